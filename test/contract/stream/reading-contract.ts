/** What a reader is promised: from the offset that it names, every record once and in order, to the end; and what stops it. */
import { expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { OffsetRange, StreamBatch } from "../../../platform/stream/port.ts";
import { DEADLINE, publishSurely, readAll, record, type StreamFixture, valuesOf } from "./stream-fixture.ts";

export function readingContract(fixture: () => StreamFixture): void {
  test("records of one key keep their order, across batches and partitions; key, value, headers and tombstones arrive as sent", async () => {
    const topic = await fixture().createTopic({ partitions: 3 });
    await using stream = fixture().createStream();
    const keys = ["a", "b", "c", "d", "ä"];
    for (let round = 0; round < 20; round += 1) {
      await publishSurely(
        stream,
        keys.flatMap((key) => [record(topic, key, `${round}.0`), record(topic, key, `${round}.1`)]),
      );
    }
    await publishSurely(stream, [{ topic, key: "a", value: null, headers: new Map([["kind", "gone"]]) }]);
    const records = await readAll(stream, topic);
    const expected = Array.from({ length: 20 }, (_, round) => [`${round}.0`, `${round}.1`]).flat();
    for (const key of keys) {
      const own = records.filter((found) => found.key === key);
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
      expect(valuesOf(own.filter(({ value }) => value !== null))).toEqual(expected);
    }
    const tombstone = records.find(({ value }) => value === null);
    expect([tombstone?.key, tombstone?.headers.get("kind")?.toString()]).toEqual(["a", "gone"]);
  }, 60_000);

  test("reading starts exactly at the offset that the owner names, and batches join without a gap", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    await using writer = fixture().createStream();
    for (let n = 0; n < 10; n += 1) await publishSurely(writer, [record(topic, "k", String(n))]);
    await using reader = fixture().createStream();
    const batches: StreamBatch[] = [];
    let range: OffsetRange | undefined;
    reader.subscribe({
      topic,
      async from(_partition, found) {
        range = found;
        return 4n;
      },
      async handle(batch) {
        batches.push(batch);
        return "continue";
      },
    });
    await waitUntil("position 10", 60_000, () => reader.position(topic).get(0) === 10n);
    await publishSurely(writer, [record(topic, "k", "10")]);
    await waitUntil("position 11", 60_000, () => reader.position(topic).get(0) === 11n);
    expect(range).toEqual({ earliest: 0n, end: 10n });
    expect(valuesOf(batches.flatMap(({ records }) => records))).toEqual(["4", "5", "6", "7", "8", "9", "10"]);
    let expected = 4n;
    for (const { fromOffset, nextOffset } of batches) {
      expect(fromOffset).toBe(expected);
      expected = nextOffset;
    }
  }, 60_000);

  test("a batch whose handler throws is handed over again and nothing behind it passes; the position waits", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    await using stream = fixture().createStream();
    await publishSurely(stream, [record(topic, "k", "poison"), record(topic, "k", "next")]);
    const seen: (string | undefined)[] = [];
    let refusing = true;
    let throws = 0;
    stream.subscribe({
      topic,
      from: async () => 0n,
      async handle({ records }) {
        if (refusing) {
          throws += 1;
          throw new Error("not now");
        }
        seen.push(...valuesOf(records));
        return "continue";
      },
    });
    await waitUntil("the third try", 60_000, () => throws >= 3);
    expect(stream.position(topic).get(0)).toBe(0n);
    refusing = false;
    await waitUntil("position 2", 60_000, () => stream.position(topic).get(0) === 2n);
    expect(seen).toEqual(["poison", "next"]);
  }, 60_000);

  test("an owner whose answer to `from` fails or lies outside the range is asked again; nothing is skipped for it", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    await using stream = fixture().createStream();
    await publishSurely(stream, [record(topic, "k", "0"), record(topic, "k", "1")]);
    const answers: (() => bigint)[] = [
      () => {
        throw new Error("database is down");
      },
      () => 999n,
      () => 1n,
    ];
    const seen: (string | undefined)[] = [];
    stream.subscribe({
      topic,
      from: async () => answers.shift()?.() ?? 0n,
      async handle({ records }) {
        seen.push(...valuesOf(records));
        return "continue";
      },
    });
    await waitUntil("position 2", 60_000, () => stream.position(topic).get(0) === 2n);
    expect(seen).toEqual(["1"]);
  }, 60_000);

  test("the end of a compacted topic is reached although its last offset holds no record; the position stands at the end", async () => {
    const topic = await fixture().createTopic({ partitions: 1, compact: true });
    await using stream = fixture().createStream();
    for (let n = 0; n < 5; n += 1)
      await publishSurely(stream, [record(topic, "a", String(n)), record(topic, "b", "-")]);
    await fixture().emptyTail(topic);
    const ends = await stream.endOffsets(topic, DEADLINE);
    const records = await readAll(stream, topic);
    expect((records.at(-1)?.offset ?? 0n) + 1n).toBeLessThan(ends.get(0) ?? 0n);
    expect(stream.position(topic)).toEqual(ends);
    expect(records.findLast(({ key }) => key === "a")?.value?.toString()).toBe("4");
    await publishSurely(stream, [record(topic, "a", "behind")]);
    await waitUntil("the next record", 60_000, () => (stream.position(topic).get(0) ?? 0n) > (ends.get(0) ?? 0n));
  }, 60_000);

  test("an empty topic is read to its end at once", async () => {
    const topic = await fixture().createTopic({ partitions: 2 });
    await using stream = fixture().createStream();
    expect(await readAll(stream, topic)).toEqual([]);
  }, 30_000);

  test("close waits for the batch under way and hands over nothing afterwards", async () => {
    const topic = await fixture().createTopic({ partitions: 1 });
    await using stream = fixture().createStream();
    await publishSurely(stream, [record(topic, "k", "0")]);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let begun = 0;
    let ended = 0;
    stream.subscribe({
      topic,
      from: async () => 0n,
      async handle() {
        begun += 1;
        await released;
        ended += 1;
        return "continue";
      },
    });
    await waitUntil("the batch", 60_000, () => begun === 1);
    const closed = stream.close().then(() => ended);
    release();
    expect(await closed).toBe(1);
    expect((await stream.publish([record(topic, "k", "1")], DEADLINE)).kind).toBe("unknown");
  }, 60_000);
}
