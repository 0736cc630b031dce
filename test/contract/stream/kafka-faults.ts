/** What a client of a broker has to survive: answers that are lost, a broker that is killed, frozen or down, and a connection that goes silent. */
import { expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { DEADLINE, publishSurely, readAll, record, valuesOf, valuesReadBy } from "./stream-fixture.ts";

const log = createLog({ name: "test", level: "silent" });

export function kafkaFaults(kafka: () => KafkaBroker): void {
  test("a lost acknowledgement is `unknown`; publishing the same again loses nothing and keeps the order per key", async () => {
    const topic = await kafka().newTopic();
    await using stream = kafka().open({ connection: kafka().broker.proxied });
    let retries = 0;
    for (let n = 0; n < 12; n += 1) {
      if (n % 4 === 1) kafka().proxy.cutProduceAnswers(2);
      retries += (await publishSurely(stream, [record(topic, "k", String(n))])) - 1;
    }
    expect(kafka().proxy.faults.cut).toBeGreaterThan(0);
    expect(retries).toBeGreaterThanOrEqual(kafka().proxy.faults.cut);
    await using reader = kafka().open();
    const values = valuesOf(await readAll(reader, topic)).map(Number);
    expect([...new Set(values)]).toEqual(Array.from({ length: 12 }, (_, n) => n));
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  }, 90_000);

  test("publishing and reading go on by themselves after the broker was killed and started again; nothing acknowledged is lost", async () => {
    const topic = await kafka().newTopic();
    await using stream = kafka().open();
    const seen = valuesReadBy(stream, topic);
    await publishSurely(stream, [record(topic, "k", "before")]);
    await waitUntil("the record before", 60_000, () => seen.includes("before"));
    await kafka().broker.kill();
    expect((await stream.publish([record(topic, "k", "meanwhile")], { deadlineMs: 300 })).kind).toBe("unknown");
    await expect(stream.endOffsets(topic, { deadlineMs: 500 })).rejects.toBeDefined();
    await kafka().broker.start();
    await publishSurely(stream, [record(topic, "k", "after")]);
    await waitUntil("the record after", 60_000, () => seen.includes("after"));
    expect(seen.indexOf("before")).toBeLessThan(seen.indexOf("after"));
  }, 180_000);

  test("a broker that is frozen costs a publisher no more than its deadline, and the watchdog does not take it for a standstill", async () => {
    const topic = await kafka().newTopic();
    const fatal: Error[] = [];
    await using stream = kafka().open(
      { stallMs: 1_500, connection: { ...kafka().broker.settings, requestTimeoutMs: 6_000 } },
      (error) => fatal.push(error),
    );
    const seen = valuesReadBy(stream, topic);
    await publishSurely(stream, [record(topic, "k", "0")]);
    await waitUntil("the first record", 60_000, () => seen.length === 1);
    kafka().broker.freeze();
    try {
      for (let n = 0; n < 4; n += 1) {
        const begun = performance.now();
        expect((await stream.publish([record(topic, "k", "frozen")], { deadlineMs: 1_000 })).kind).toBe("unknown");
        expect(performance.now() - begun).toBeLessThan(5_000); // of a request it is 6 s
      }
    } finally {
      kafka().broker.thaw();
    }
    await publishSurely(stream, [record(topic, "k", "thawed")]);
    await waitUntil("the record after the thaw", 60_000, () => seen.includes("thawed"));
    expect(fatal).toEqual([]);
  }, 120_000);

  test("a reader that hears nothing although there are records gets a new connection from the watchdog and goes on where it was", async () => {
    const topic = await kafka().newTopic();
    const fatal: Error[] = [];
    const recreated: string[] = [];
    await using stream = kafka().createStream(
      { log, onFatal: (error) => fatal.push(error), onRecreated: (of) => recreated.push(of) },
      { connection: { ...kafka().broker.proxied, requestTimeoutMs: 60_000 }, stallMs: 4_000, reassignMs: 100 },
    );
    const seen = valuesReadBy(stream, topic);
    await using writer = kafka().open();
    await publishSurely(writer, [record(topic, "k", "0")]);
    await waitUntil("the first record", 60_000, () => seen.length === 1);
    const mutedBefore = kafka().proxy.faults.muted;
    kafka().proxy.muteFetchers();
    expect(kafka().proxy.faults.muted).toBeGreaterThan(mutedBefore);
    await publishSurely(writer, [record(topic, "k", "1")]);
    await waitUntil("the second record", 45_000, () => seen.length === 2);
    expect(seen).toEqual(["0", "1"]);
    expect(recreated).toEqual([topic]);
    expect(fatal).toEqual([]);
  }, 90_000);

  test("a reader that stands still even with a new connection is reported as beyond repair", async () => {
    const topic = await kafka().newTopic();
    const fatal: Error[] = [];
    await using stream = kafka().createStream(
      { log, onFatal: (error) => fatal.push(error) },
      { connection: { ...kafka().broker.proxied, requestTimeoutMs: 60_000 }, stallMs: 2_500, reassignMs: 100 },
    );
    stream.subscribe({ topic, from: async () => 0n, handle: async () => "continue" });
    await using writer = kafka().open();
    await publishSurely(writer, [record(topic, "k", "0")]);
    await waitUntil("position 1", 60_000, () => stream.position(topic).get(0) === 1n);
    kafka().proxy.muteFetchers({ alsoLater: true });
    try {
      await publishSurely(writer, [record(topic, "k", "1")]);
      await waitUntil("the report", 60_000, () => fatal.length > 0);
    } finally {
      kafka().proxy.muteFetchers({ alsoLater: false });
    }
    expect(String(fatal[0])).toContain("stands at 1 of 2");
  }, 90_000);

  test("a broker of the list that is down is passed over", async () => {
    const topic = await kafka().newTopic();
    await using stream = kafka().open({
      connection: { ...kafka().broker.settings, brokers: ["127.0.0.1:1", ...kafka().broker.brokers] },
    });
    await publishSurely(stream, [record(topic, "k", "v")]);
    const seen = valuesReadBy(stream, topic);
    await waitUntil("the record", 60_000, () => seen.length === 1);
    for (let n = 0; n < 5; n += 1) expect((await stream.endOffsets(topic, DEADLINE)).get(0)).toBe(1n);
  }, 60_000);
}
