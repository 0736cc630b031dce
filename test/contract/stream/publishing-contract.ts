/** What a publisher is promised: order by key, an outcome for each call, and what was acknowledged stays. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startNodeProcess } from "../../harness/node-process.ts";
import { DEADLINE, publishSurely, readAll, record, type StreamFixture, valuesOf } from "./stream-fixture.ts";

const PUBLISHING = join(import.meta.dirname, "publishing-process.ts");

export function publishingContract(fixture: () => StreamFixture): void {
  test("a topic that does not exist is not made by publishing or asking, and publish does not reject", async () => {
    await using stream = fixture().createStream();
    const outcome = await stream.publish([record("no-such-topic", "k", "v")], { deadlineMs: 3_000 });
    expect(outcome.kind).toBe("unknown");
    await expect(stream.endOffsets("no-such-topic", { deadlineMs: 3_000 })).rejects.toBeDefined();
  }, 60_000);

  test("a record that is too large is `unknown` and harms nothing: what was published before and after it arrives", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    await using stream = fixture().createStream();
    await publishSurely(stream, [record(topic, "k", "before")]);
    const outcome = await stream.publish([record(topic, "k", "x".repeat(2 * 1024 * 1024))], DEADLINE);
    expect(outcome.kind).toBe("unknown");
    await publishSurely(stream, [record(topic, "k", "after")]);
    expect(valuesOf(await readAll(stream, topic))).toEqual(["before", "after"]);
  }, 60_000);

  test("records of 64 KiB that are published together arrive whole and in their order", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    await using stream = fixture().createStream();
    const values = Array.from({ length: 8 }, (_, n) => `{"n":${n}}`.repeat(8 * 1024).slice(0, 64 * 1024));
    await publishSurely(
      stream,
      values.map((value) => record(topic, "k", value)),
    );
    expect(valuesOf(await readAll(stream, topic))).toEqual(values);
  }, 60_000);

  test("publishers that race keep the order of each, and a reader that runs along is handed every record once, each batch where the last ended", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    const writers = Array.from({ length: 6 }, (_, n) => ({ name: `w${n}`, stream: fixture().createStream() }));
    await using reader = fixture().createStream();
    const seen: string[] = [];
    let expected = 0n;
    reader.subscribe({
      topic,
      from: async () => 0n,
      async handle({ fromOffset, nextOffset, records }) {
        expect(fromOffset).toBe(expected);
        expected = nextOffset;
        for (const { value } of records) seen.push(value?.toString() ?? "");
        return "continue";
      },
    });
    const rounds = Array.from({ length: 40 }, (_, n) => n);
    await Promise.all(
      writers.map(async ({ name, stream }) => {
        for (const n of rounds) {
          const batch = [record(topic, name, `${name}:${n}.0`), record(topic, name, `${name}:${n}.1`)];
          expect((await stream.publish(batch, DEADLINE)).kind).toBe("acked");
        }
        await stream.close();
      }),
    );
    await waitUntil("all records", 60_000, () => seen.length >= writers.length * rounds.length * 2);
    for (const { name } of writers) {
      const own = seen.filter((value) => value.startsWith(`${name}:`));
      expect(own).toEqual(rounds.flatMap((n) => [`${name}:${n}.0`, `${name}:${n}.1`]));
    }
  }, 90_000);

  test("callers of one stream that publish again as soon as they are answered are all answered, each with its own order kept", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    await using stream = fixture().createStream();
    await publishSurely(stream, [record(topic, "first", "connects")]);
    const callers = Array.from({ length: 40 }, (_, n) => `c${n}`);
    const slowest: number[] = [];
    await Promise.all(
      callers.map(async (key) => {
        for (let n = 0; n < 20; n += 1) {
          const begun = performance.now();
          expect((await stream.publish([record(topic, key, String(n))], DEADLINE)).kind).toBe("acked");
          slowest.push(performance.now() - begun);
        }
      }),
    );
    expect(Math.max(...slowest)).toBeLessThan(20_000);
    const records = await readAll(stream, topic);
    for (const key of callers) {
      const own = records.filter((found) => found.key === key);
      expect([key, valuesOf(own)]).toEqual([key, Array.from({ length: 20 }, (_, n) => String(n))]);
    }
  }, 90_000);

  test("a publisher that is killed in the middle leaves everything acknowledged behind, each key in order and without a gap", async () => {
    const topic = await fixture().createTopic({ partitions: 3 });
    const publisher = startNodeProcess(PUBLISHING, [JSON.stringify(fixture().config), topic]);
    await waitUntil("twenty batches", 60_000, () => publisher.lines.length >= 20);
    await publisher.kill();
    const acked = publisher.lines.length;
    await using stream = fixture().createStream();
    const records = await readAll(stream, topic);
    for (const [key, own] of Map.groupBy(records, (found) => found.key)) {
      expect([key, valuesOf(own)]).toEqual([key, own.map((_, n) => String(n))]);
      expect(own.length).toBeGreaterThanOrEqual(acked);
      expect(own.length).toBeLessThanOrEqual(acked + 1);
    }
  }, 60_000);
}
