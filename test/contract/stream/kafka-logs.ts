/** What a topic can look like that only a broker makes: batches without records, records deleted under a reader, keys placed by other clients. */
import { expect, test } from "@jest/globals";
import kafkajs from "kafkajs";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { endInCommitMarker } from "./commit-marker.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { DEADLINE, publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

export function kafkaLogs(kafka: () => KafkaBroker): void {
  test("a segment of nothing but emptied batches and a control record at the end do not hold up reading to the end", async () => {
    const topic = await kafka().newTopic({
      "cleanup.policy": "compact",
      "segment.ms": "50",
      "segment.bytes": String(1024 * 1024),
      "min.cleanable.dirty.ratio": "0.01",
      "delete.retention.ms": "0",
      "min.compaction.lag.ms": "0",
      "max.compaction.lag.ms": "100",
    });
    await using stream = kafka().open();
    const client = new kafkajs.Kafka({ brokers: [...kafka().broker.brokers], logLevel: kafkajs.logLevel.NOTHING });
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
    await using connection = await kafka().openConnection();
    let emptied = 0n;
    await waitUntil("a batch without records at the start", 150_000, async () => {
      await publishSurely(stream, [record(topic, "k", "new")]); // rolls the segment
      const fetched = await connection.fetch(topic, 0, 0n, 100);
      if (fetched.kind !== "fetched" || fetched.records.length > 0) return false;
      emptied = fetched.nextOffset;
      return emptied > 0n;
    });
    const before = (await stream.endOffsets(topic, DEADLINE)).get(0) ?? 0n;
    await endInCommitMarker(stream, kafka().broker.brokers, topic);
    const ends = await stream.endOffsets(topic, DEADLINE);
    const records = await readAll(stream, topic);
    const last = records.at(-1);
    expect(emptied).toBeGreaterThan(0n);
    expect(stream.position(topic)).toEqual(ends);
    expect(last?.value).toBeNull();
    expect(last?.offset).toBe(before); // behind it stands the commit marker, which is no record
  }, 240_000);

  test("records that were deleted under a reader are not skipped in silence: the owner is asked again with the range that is left", async () => {
    const topic = await kafka().newTopic();
    await using stream = kafka().open();
    for (let n = 0; n < 5; n += 1) await publishSurely(stream, [record(topic, "k", String(n))]);
    const admin = new kafkajs.Kafka({
      brokers: [...kafka().broker.brokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
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
    await waitUntil("position 5", 60_000, () => stream.position(topic).get(0) === 5n);
    expect(seen).toEqual(["3", "4"]);
    expect(asked.length).toBeGreaterThan(1);
  }, 60_000);

  test("a batch of a few kilobytes that unpacks to more than anybody writes is one record without headers, and what stands behind it is read", async () => {
    const topic = await kafka().newTopic();
    const client = new kafkajs.Kafka({ brokers: [...kafka().broker.brokers], logLevel: kafkajs.logLevel.NOTHING });
    const producer = client.producer();
    await producer.connect();
    const messages = [{ key: "k", value: Buffer.alloc(32 * 1024 * 1024), headers: { "cs-kid": "pdp" } }];
    await producer.send({ topic, compression: kafkajs.CompressionTypes.GZIP, messages });
    await producer.disconnect();
    await using stream = kafka().open();
    await publishSurely(stream, [record(topic, "k", "behind")]);
    const [packed, behind, ...more] = await readAll(stream, topic);
    expect([packed?.key, packed?.headers.size, packed?.offset]).toEqual([null, 0, 0n]);
    expect(packed?.value?.length).toBeLessThan(64 * 1024);
    expect([behind?.value?.toString(), more]).toEqual(["behind", []]);
  }, 60_000);

  test("a key goes to the partition to which kafkajs and the Java client send it, so the client of a topic can be changed", async () => {
    const topic = await kafka().newTopic({}, 7);
    await using stream = kafka().open();
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
}
