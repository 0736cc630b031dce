/**
 * A Kafka adapter against a real broker: the contract of the port, then the faults that only a broker can have. Both adapters run it
 * unchanged. Long, because it is one list of what a client of a broker has to survive.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import kafkajs from "kafkajs";
import { createLog } from "../../../platform/log/log.ts";
import type { StreamDeps } from "../../../platform/stream/assemble.ts";
import type { StreamConnection } from "../../../platform/stream/connection.ts";
import type { KafkaStreamOptions } from "../../../platform/stream/kafka.ts";
import type { KafkaConfig } from "../../../platform/stream/kafka-config.ts";
import type { KafkaSettings } from "../../../platform/stream/kafka-settings.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { hasKafka, startKafka, type TestKafka } from "../../harness/kafka.ts";
import { startTcpProxy, type TcpProxy } from "../../harness/tcp-proxy.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { endInCommitMarker } from "./commit-marker.ts";
import { streamContract } from "./stream-contract.ts";
import { publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

const log = createLog({ name: "test", level: "silent" });
const found = await hasKafka();
const DEADLINE = { deadlineMs: 10_000 };

interface KafkaAdapter {
  /** By this name a configuration asks for it. */
  readonly client: NonNullable<KafkaConfig["client"]>;
  createStream(deps: StreamDeps, options: KafkaStreamOptions): EventStream;
  openConnection(settings: KafkaSettings): Promise<StreamConnection>;
}

export function kafkaSuite(name: string, adapter: KafkaAdapter): void {
  let kafka: TestKafka;
  let proxy: TcpProxy;

  function open(options: Partial<KafkaStreamOptions> = {}, onFatal: (error: Error) => void = () => {}): EventStream {
    return adapter.createStream({ log, onFatal }, { connection: kafka.settings, reassignMs: 100, ...options });
  }

  async function newTopic(config: Record<string, string> = {}, partitions = 1): Promise<string> {
    const topic = `t-${randomUUID()}`;
    await kafka.createTopic(topic, { partitions, config });
    return topic;
  }

  (found ? describe : describe.skip)(`Kafka with ${name}`, () => {
    beforeAll(async () => {
      proxy = await startTcpProxy();
      kafka = await startKafka({ proxyPort: proxy.port, secure: true });
      proxy.target = kafka.proxyTarget;
    }, 180_000);
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      await kafka?.[Symbol.asyncDispose]();
    }, 60_000);

    streamContract(`kafka with ${name}`, async () => ({
      config: { kafka: { brokers: [...kafka.brokers], tls: false, client: adapter.client } },
      createStream: () => open(),
      createTopic: ({ partitions, compact }) => newTopic(compact ? { "cleanup.policy": "compact" } : {}, partitions),
      emptyTail: leaveCommitMarker,
      async [Symbol.asyncDispose]() {},
    }));

    test("a lost acknowledgement is `unknown`; publishing the same again loses nothing and keeps the order per key", async () => {
      const topic = await newTopic();
      await using stream = open({ connection: kafka.proxied });
      let retries = 0;
      for (let n = 0; n < 12; n += 1) {
        if (n % 4 === 1) proxy.cutProduceAnswers(2);
        retries += (await publishSurely(stream, [record(topic, "k", String(n))])) - 1;
      }
      expect(proxy.faults.cut).toBeGreaterThan(0);
      expect(retries).toBeGreaterThanOrEqual(proxy.faults.cut);
      await using reader = open();
      const values = valuesOf(await readAll(reader, topic)).map(Number);
      expect([...new Set(values)]).toEqual(Array.from({ length: 12 }, (_, n) => n));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
    }, 90_000);

    test("a segment of nothing but emptied batches and a control record at the end do not hold up reading to the end", async () => {
      const topic = await newTopic({
        "cleanup.policy": "compact",
        "segment.ms": "50",
        "segment.bytes": String(1024 * 1024),
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "0",
        "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "100",
      });
      await using stream = open();
      const client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
      // The cleaner keeps the last batch of every producer that has an id, without its records. It joins segments up to their size, so each is
      // made large enough to stay one of its own, with nothing but such a batch in it.
      const large = "x".repeat(700 * 1024);
      for (let n = 0; n < 3; n += 1) {
        const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
        await producer.connect();
        await producer.send({ topic, messages: [{ key: "k", value: large }] });
        await producer.disconnect();
      }
      await publishSurely(stream, [record(topic, "k", large)]);
      await using connection = await openDisposable();
      let emptied = 0n;
      await waitUntil("a batch without records at the start", 60_000, async () => {
        await publishSurely(stream, [record(topic, "k", "new")]); // rolls the segment
        const fetched = await connection.fetch(topic, 0, 0n, 100);
        if (fetched.kind !== "fetched" || fetched.records.length > 0) return false;
        emptied = fetched.nextOffset;
        return emptied > 0n;
      });
      const before = (await stream.endOffsets(topic, DEADLINE)).get(0) ?? 0n;
      await leaveCommitMarker(topic);
      const ends = await stream.endOffsets(topic, DEADLINE);
      const records = await readAll(stream, topic);
      const last = records.at(-1);
      expect(emptied).toBeGreaterThan(0n);
      expect(stream.position(topic)).toEqual(ends);
      expect(last?.value).toBeNull();
      expect(last?.offset).toBe(before); // behind it stands the commit marker, which is no record
    }, 120_000);

    test("publishing and reading go on by themselves after the broker was killed and started again; nothing acknowledged is lost", async () => {
      const topic = await newTopic();
      await using stream = open();
      const seen: (string | undefined)[] = [];
      stream.subscribe({
        topic,
        from: async () => 0n,
        async handle({ records }) {
          seen.push(...valuesOf(records));
          return "continue";
        },
      });
      await publishSurely(stream, [record(topic, "k", "before")]);
      await waitUntil("the record before", 20_000, () => seen.includes("before"));
      await kafka.kill();
      expect((await stream.publish([record(topic, "k", "meanwhile")], { deadlineMs: 300 })).kind).toBe("unknown");
      await expect(stream.endOffsets(topic, { deadlineMs: 500 })).rejects.toBeDefined();
      await kafka.start();
      await publishSurely(stream, [record(topic, "k", "after")]);
      await waitUntil("the record after", 60_000, () => seen.includes("after"));
      expect(seen.indexOf("before")).toBeLessThan(seen.indexOf("after"));
    }, 180_000);

    test("a broker that is frozen costs a publisher no more than its deadline, and the watchdog does not take it for a standstill", async () => {
      const topic = await newTopic();
      const fatal: Error[] = [];
      await using stream = open({ stallMs: 400, connection: { ...kafka.settings, requestTimeoutMs: 2_000 } }, (error) =>
        fatal.push(error),
      );
      const seen: (string | undefined)[] = [];
      stream.subscribe({
        topic,
        from: async () => 0n,
        async handle({ records }) {
          seen.push(...valuesOf(records));
          return "continue";
        },
      });
      await publishSurely(stream, [record(topic, "k", "0")]);
      await waitUntil("the first record", 20_000, () => seen.length === 1);
      kafka.freeze();
      try {
        for (let n = 0; n < 4; n += 1) {
          const begun = performance.now();
          expect((await stream.publish([record(topic, "k", "frozen")], { deadlineMs: 500 })).kind).toBe("unknown");
          expect(performance.now() - begun).toBeLessThan(1_500);
        }
      } finally {
        kafka.thaw();
      }
      await publishSurely(stream, [record(topic, "k", "thawed")]);
      await waitUntil("the record after the thaw", 60_000, () => seen.includes("thawed"));
      expect(fatal).toEqual([]);
    }, 120_000);

    test("a reader that hears nothing although there are records gets a new connection from the watchdog and goes on where it was", async () => {
      const topic = await newTopic();
      const fatal: Error[] = [];
      const recreated: string[] = [];
      await using stream = adapter.createStream(
        { log, onFatal: (error) => fatal.push(error), onRecreated: (of) => recreated.push(of) },
        { connection: { ...kafka.proxied, requestTimeoutMs: 60_000 }, stallMs: 2_000, reassignMs: 100 },
      );
      const seen: (string | undefined)[] = [];
      stream.subscribe({
        topic,
        from: async () => 0n,
        async handle({ records }) {
          seen.push(...valuesOf(records));
          return "continue";
        },
      });
      await using writer = open();
      await publishSurely(writer, [record(topic, "k", "0")]);
      await waitUntil("the first record", 20_000, () => seen.length === 1);
      const mutedBefore = proxy.faults.muted;
      proxy.muteFetchers();
      expect(proxy.faults.muted).toBeGreaterThan(mutedBefore);
      await publishSurely(writer, [record(topic, "k", "1")]);
      await waitUntil("the second record", 30_000, () => seen.length === 2);
      expect(seen).toEqual(["0", "1"]);
      expect(recreated).toEqual([topic]);
      expect(fatal).toEqual([]);
    }, 90_000);

    test("a reader that stands still even with a new connection is reported as beyond repair", async () => {
      const topic = await newTopic();
      const fatal: Error[] = [];
      await using stream = adapter.createStream(
        { log, onFatal: (error) => fatal.push(error) },
        { connection: { ...kafka.proxied, requestTimeoutMs: 60_000 }, stallMs: 1_000, reassignMs: 100 },
      );
      stream.subscribe({ topic, from: async () => 0n, handle: async () => "continue" });
      await using writer = open();
      await publishSurely(writer, [record(topic, "k", "0")]);
      await waitUntil("position 1", 20_000, () => stream.position(topic).get(0) === 1n);
      proxy.muteFetchers({ alsoLater: true });
      try {
        await publishSurely(writer, [record(topic, "k", "1")]);
        await waitUntil("the report", 30_000, () => fatal.length > 0);
      } finally {
        proxy.muteFetchers({ alsoLater: false });
      }
      expect(String(fatal[0])).toContain("stands at 1 of 2");
    }, 90_000);

    test("records that were deleted under a reader are not skipped in silence: the owner is asked again with the range that is left", async () => {
      const topic = await newTopic();
      await using stream = open();
      for (let n = 0; n < 5; n += 1) await publishSurely(stream, [record(topic, "k", String(n))]);
      const admin = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.fetchTopicOffsets(topic); // loads the metadata that the next call takes for granted
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "3" }] });
      await admin.disconnect();
      const asked: bigint[] = [];
      const seen: (string | undefined)[] = [];
      stream.subscribe({
        topic,
        async from(_partition, { earliest }) {
          asked.push(earliest);
          return asked.length === 1 ? 1n : earliest;
        },
        async handle({ records }) {
          seen.push(...valuesOf(records));
          return "continue";
        },
      });
      await waitUntil("position 5", 30_000, () => stream.position(topic).get(0) === 5n);
      expect(seen).toEqual(["3", "4"]);
      expect(asked.length).toBeGreaterThan(1);
    }, 60_000);

    test("a broker of the list that is down is passed over", async () => {
      const topic = await newTopic();
      await using stream = open({ connection: { ...kafka.settings, brokers: ["127.0.0.1:1", ...kafka.brokers] } });
      await publishSurely(stream, [record(topic, "k", "v")]);
      const seen: (string | undefined)[] = [];
      stream.subscribe({
        topic,
        from: async () => 0n,
        async handle({ records }) {
          seen.push(...valuesOf(records));
          return "continue";
        },
      });
      await waitUntil("the record", 20_000, () => seen.length === 1);
      for (let n = 0; n < 5; n += 1) expect((await stream.endOffsets(topic, DEADLINE)).get(0)).toBe(1n);
    }, 60_000);

    test("a key goes to the partition to which kafkajs and the Java client send it, so the client of a topic can be changed", async () => {
      const topic = await newTopic({}, 7);
      await using stream = open();
      const keys = Array.from({ length: 60 }, (_, n) => `ключ-${n}`);
      await publishSurely(
        stream,
        keys.map((key) => record(topic, key, "v")),
      );
      const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
        partitionId,
        leader: 1,
        partitionErrorCode: 0,
        replicas: [1],
        isr: [1],
      }));
      const partitionOf = kafkajs.Partitioners.DefaultPartitioner();
      for (const { key, partition } of await readAll(stream, topic)) {
        const expected = partitionOf({ topic, partitionMetadata, message: { key, value: null } });
        expect([key, partition]).toEqual([key, expected]);
      }
    }, 60_000);

    describe("security settings", () => {
      test("a wrong password and no password are refused: nothing is published, nothing is read", async () => {
        const topic = await newTopic();
        const { brokers, username } = kafka.sasl;
        for (const sasl of [{ mechanism: "plain" as const, username, password: "wrong" }, undefined]) {
          const connection = { brokers, clientId: "test", ...(sasl === undefined ? {} : { sasl }) };
          await using stream = open({ connection });
          expect((await stream.publish([record(topic, "k", "v")], { deadlineMs: 2_000 })).kind).toBe("unknown");
          await expect(stream.endOffsets(topic, { deadlineMs: 2_000 })).rejects.toBeDefined();
        }
      }, 60_000);

      test("a broker whose certificate is not trusted is refused", async () => {
        await using stream = open({ connection: { brokers: kafka.tls.brokers, clientId: "test", tls: {} } });
        await expect(stream.endOffsets("any", { deadlineMs: 2_000 })).rejects.toBeDefined();
      }, 30_000);

      test.each(["plain", "scram-sha-256", "scram-sha-512"] as const)(
        "SASL %s publishes and reads",
        async (mechanism) => {
          const topic = await newTopic();
          const { brokers, username, password } = kafka.sasl;
          await using stream = open({
            connection: { brokers, clientId: "test", sasl: { mechanism, username, password } },
          });
          await publishSurely(stream, [record(topic, "k", mechanism)]);
          expect(valuesOf(await readAll(stream, topic))).toEqual([mechanism]);
        },
        60_000,
      );

      test("TLS with the broker's authority publishes and reads", async () => {
        const topic = await newTopic();
        const { brokers, ca } = kafka.tls;
        await using stream = open({ connection: { brokers, clientId: "test", tls: { ca } } });
        await publishSurely(stream, [record(topic, "k", "v")]);
        expect(valuesOf(await readAll(stream, topic))).toEqual(["v"]);
      }, 60_000);
    });
  });

  async function leaveCommitMarker(topic: string): Promise<void> {
    await using stream = open();
    await endInCommitMarker(stream, kafka.brokers, topic);
  }

  async function openDisposable() {
    const connection = await adapter.openConnection(kafka.settings);
    return { fetch: connection.fetch, [Symbol.asyncDispose]: async () => connection.destroy(new Error("done")) };
  }
}
