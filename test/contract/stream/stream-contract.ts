/**
 * What every adapter of the event stream has to keep, written against the port alone. An adapter brings a fixture and calls `streamContract`;
 * faults that only its own server can have are tested beside it.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import type { StreamConfig } from "../../../platform/stream/open-stream.ts";
import type {
  EventStream,
  OffsetRange,
  OutgoingRecord,
  StreamBatch,
  StreamRecord,
} from "../../../platform/stream/port.ts";
import { readToEnd } from "../../../platform/stream/read-to-end.ts";
import { type NodeProcess, startNodeProcess } from "../../harness/node-process.ts";
import { createTestDatabase } from "../../harness/postgres.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { EFFECTS_SQL } from "./consuming-process.ts";

interface StreamFixture extends AsyncDisposable {
  /** How another process reaches the same server. */
  readonly config: StreamConfig;
  /** A stream as another process would have it. */
  createStream(): EventStream;
  createTopic(options: { readonly partitions: number; readonly compact?: boolean }): Promise<string>;
  /** Makes the end of a compacted topic of one partition an offset without a record: the last records of it are gone, or were none. */
  emptyTail(topic: string): Promise<void>;
}

const PUBLISHING = join(import.meta.dirname, "publishing-process.ts");
const CONSUMING = join(import.meta.dirname, "consuming-process.ts");
const DEADLINE = { deadlineMs: 10_000 };

/** Publishes until acknowledged, as a relay does. */
export async function publishSurely(stream: EventStream, records: readonly OutgoingRecord[]): Promise<number> {
  let tries = 0;
  await waitUntil("an acknowledgement", 90_000, async () => {
    tries += 1;
    return (await stream.publish(records, { deadlineMs: 5_000 })).kind === "acked";
  });
  return tries;
}

export function record(topic: string, key: string, value: string): OutgoingRecord {
  return { topic, key, value: Buffer.from(value) };
}

/** Reads everything that stands in a topic now, from the start. */
export async function readAll(stream: EventStream, topic: string): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  const ends = await stream.endOffsets(topic, DEADLINE);
  stream.subscribe({
    topic,
    from: async (_partition, { earliest }) => earliest,
    async handle(batch) {
      records.push(...batch.records);
      return "continue";
    },
  });
  await readToEnd(stream, topic, ends, AbortSignal.timeout(30_000));
  return records;
}

export function valuesOf(records: readonly StreamRecord[]): (string | undefined)[] {
  return records.map(({ value }) => value?.toString());
}

export function streamContract(name: string, makeFixture: () => Promise<StreamFixture>): void {
  describe(`event stream on ${name}`, () => {
    let fixture: StreamFixture;
    beforeAll(async () => {
      fixture = await makeFixture();
    }, 180_000);
    afterAll(async () => {
      await fixture?.[Symbol.asyncDispose]();
    }, 60_000);

    test("a topic that does not exist is not made by publishing or asking, and publish does not reject", async () => {
      await using stream = fixture.createStream();
      const outcome = await stream.publish([record("no-such-topic", "k", "v")], { deadlineMs: 3_000 });
      expect(outcome.kind).toBe("unknown");
      await expect(stream.endOffsets("no-such-topic", { deadlineMs: 3_000 })).rejects.toBeDefined();
    }, 20_000);

    test("records of one key keep their order, across batches and partitions; key, value, headers and tombstones arrive as sent", async () => {
      const topic = await fixture.createTopic({ partitions: 3 });
      await using stream = fixture.createStream();
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
      const topic = await fixture.createTopic({ partitions: 1 });
      await using writer = fixture.createStream();
      for (let n = 0; n < 10; n += 1) await publishSurely(writer, [record(topic, "k", String(n))]);
      await using reader = fixture.createStream();
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
      await waitUntil("position 10", 20_000, () => reader.position(topic).get(0) === 10n);
      await publishSurely(writer, [record(topic, "k", "10")]);
      await waitUntil("position 11", 20_000, () => reader.position(topic).get(0) === 11n);
      expect(range).toEqual({ earliest: 0n, end: 10n });
      expect(valuesOf(batches.flatMap(({ records }) => records))).toEqual(["4", "5", "6", "7", "8", "9", "10"]);
      let expected = 4n;
      for (const { fromOffset, nextOffset } of batches) {
        expect(fromOffset).toBe(expected);
        expected = nextOffset;
      }
    }, 60_000);

    test("a batch whose handler throws is handed over again and nothing behind it passes; the position waits", async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      await using stream = fixture.createStream();
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
      await waitUntil("the third try", 20_000, () => throws >= 3);
      expect(stream.position(topic).get(0)).toBe(0n);
      refusing = false;
      await waitUntil("position 2", 20_000, () => stream.position(topic).get(0) === 2n);
      expect(seen).toEqual(["poison", "next"]);
    }, 60_000);

    test("an owner whose answer to `from` fails or lies outside the range is asked again; nothing is skipped for it", async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      await using stream = fixture.createStream();
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
      await waitUntil("position 2", 30_000, () => stream.position(topic).get(0) === 2n);
      expect(seen).toEqual(["1"]);
    }, 60_000);

    test("seek reads again from the named offset, also while a batch is being handled", async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      await using stream = fixture.createStream();
      await publishSurely(stream, [record(topic, "k", "0"), record(topic, "k", "1"), record(topic, "k", "2")]);
      const seen: (string | undefined)[] = [];
      let sought = false;
      stream.subscribe({
        topic,
        from: async () => 0n,
        async handle({ records }) {
          seen.push(...valuesOf(records));
          if (!sought) stream.seek(topic, 0, 1n);
          sought = true;
          return "continue";
        },
      });
      await waitUntil("the second reading", 20_000, () => seen.length >= 5 && stream.position(topic).get(0) === 3n);
      expect(seen).toEqual(["0", "1", "2", "1", "2"]);
    }, 60_000);

    test("two owners share a topic by ownership of partitions; when one goes away the other takes its part, with no record lost or out of order", async () => {
      const topic = await fixture.createTopic({ partitions: 4 });
      const owners = new Map<number, string>();
      const offsets = new Map<number, bigint>();
      const handled: { owner: string; partition: number; value: string | undefined }[] = [];
      const instance = (owner: string): EventStream => {
        const stream = fixture.createStream();
        stream.subscribe({
          topic,
          async from(partition) {
            const mine = [...owners.values()].filter((other) => other === owner).length;
            if (owners.has(partition) || mine >= (owners.has(-1) ? 4 : 2)) return "skip";
            owners.set(partition, owner);
            return offsets.get(partition) ?? 0n;
          },
          async handle({ partition, fromOffset, nextOffset, records }) {
            if (owners.get(partition) !== owner) return "release";
            expect(fromOffset).toBe(offsets.get(partition) ?? 0n);
            for (const { value } of records) handled.push({ owner, partition, value: value?.toString() });
            offsets.set(partition, nextOffset);
            return "continue";
          },
        });
        return stream;
      };
      await using writer = fixture.createStream();
      const first = instance("first");
      await using _second = instance("second");
      const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`);
      const publishRound = (round: number) =>
        publishSurely(
          writer,
          keys.map((key) => record(topic, key, `${key}:${round}`)),
        );
      await publishRound(0);
      await waitUntil("the first round", 30_000, () => handled.length >= 20);
      expect(new Set(owners.values())).toEqual(new Set(["first", "second"]));
      await first.close();
      await publishRound(1);
      for (const [partition, owner] of owners) if (owner === "first") owners.delete(partition);
      owners.set(-1, "nobody"); // from now on one owner may hold all
      await publishRound(2);
      await waitUntil("all rounds", 30_000, () => handled.length >= 60);
      expect(handled).toHaveLength(60);
      for (const key of keys) {
        const own = handled.filter(({ value }) => value?.startsWith(`${key}:`)).map(({ value }) => value);
        expect(own).toEqual([`${key}:0`, `${key}:1`, `${key}:2`]);
      }
    }, 90_000);

    test("the end of a compacted topic is reached although its last offset holds no record; the position stands at the end", async () => {
      const topic = await fixture.createTopic({ partitions: 1, compact: true });
      await using stream = fixture.createStream();
      for (let n = 0; n < 5; n += 1)
        await publishSurely(stream, [record(topic, "a", String(n)), record(topic, "b", "-")]);
      await fixture.emptyTail(topic);
      const ends = await stream.endOffsets(topic, DEADLINE);
      const records = await readAll(stream, topic);
      expect((records.at(-1)?.offset ?? 0n) + 1n).toBeLessThan(ends.get(0) ?? 0n);
      expect(stream.position(topic)).toEqual(ends);
      expect(records.findLast(({ key }) => key === "a")?.value?.toString()).toBe("4");
      await publishSurely(stream, [record(topic, "a", "behind")]);
      await waitUntil("the next record", 20_000, () => (stream.position(topic).get(0) ?? 0n) > (ends.get(0) ?? 0n));
    }, 60_000);

    test("a record that is too large is `unknown` and harms nothing: what was published before and after it arrives", async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      await using stream = fixture.createStream();
      await publishSurely(stream, [record(topic, "k", "before")]);
      const outcome = await stream.publish([record(topic, "k", "x".repeat(2 * 1024 * 1024))], DEADLINE);
      expect(outcome.kind).toBe("unknown");
      await publishSurely(stream, [record(topic, "k", "after")]);
      expect(valuesOf(await readAll(stream, topic))).toEqual(["before", "after"]);
    }, 60_000);

    test("publishers that race keep the order of each, and a reader that runs along is handed every record once, each batch where the last ended", async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      const writers = Array.from({ length: 6 }, (_, n) => ({ name: `w${n}`, stream: fixture.createStream() }));
      await using reader = fixture.createStream();
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
      await waitUntil("all records", 30_000, () => seen.length >= writers.length * rounds.length * 2);
      for (const { name } of writers) {
        const own = seen.filter((value) => value.startsWith(`${name}:`));
        expect(own).toEqual(rounds.flatMap((n) => [`${name}:${n}.0`, `${name}:${n}.1`]));
      }
    }, 90_000);

    test("callers of one stream that publish again as soon as they are answered are all answered, each with its own order kept", async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      await using stream = fixture.createStream();
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
      expect(Math.max(...slowest)).toBeLessThan(5_000);
      const records = await readAll(stream, topic);
      for (const key of callers) {
        const own = records.filter((found) => found.key === key);
        expect([key, valuesOf(own)]).toEqual([key, Array.from({ length: 20 }, (_, n) => String(n))]);
      }
    }, 90_000);

    test("a publisher that is killed in the middle leaves everything acknowledged behind, each key in order and without a gap", async () => {
      const topic = await fixture.createTopic({ partitions: 3 });
      const publisher = startNodeProcess(PUBLISHING, [JSON.stringify(fixture.config), topic]);
      await waitUntil("twenty batches", 30_000, () => publisher.lines.length >= 20);
      await publisher.kill();
      const acked = publisher.lines.length;
      await using stream = fixture.createStream();
      const records = await readAll(stream, topic);
      for (const [key, own] of Map.groupBy(records, (found) => found.key)) {
        expect([key, valuesOf(own)]).toEqual([key, own.map((_, n) => String(n))]);
        expect(own.length).toBeGreaterThanOrEqual(acked);
        expect(own.length).toBeLessThanOrEqual(acked + 1);
      }
    }, 60_000);

    test("of two instances that share a topic one is killed; the other takes over, and every record has had its effect once and in order", async () => {
      const topic = await fixture.createTopic({ partitions: 4 });
      await using scratch = await createTestDatabase();
      const log = createLog({ name: "test", level: "silent" });
      const connection = scratch.connectionString;
      await using database = createDatabase({ log }, { connection, applicationName: "test" });
      await database.query(EFFECTS_SQL);
      const instance = (name: string): NodeProcess =>
        startNodeProcess(CONSUMING, [JSON.stringify(fixture.config), topic, connection, name]);
      const instances = [instance("first")];
      await using writer = fixture.createStream();
      const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);
      const publishRounds = async (from: number, to: number) => {
        for (let round = from; round < to; round += 1) {
          await publishSurely(
            writer,
            keys.map((key) => record(topic, key, String(round))),
          );
        }
      };
      const effects = async () =>
        (
          await database.query<{ instance: string; key: string; value: string }>(
            "select instance, key, value from effects order by n",
          )
        ).rows;
      await publishRounds(0, 10);
      await waitUntil("the first instance at work", 30_000, async () => (await effects()).length > 5);
      instances.push(instance("second"));
      await publishRounds(10, 20);
      await instances[0]?.kill();
      await publishRounds(20, 30);
      await waitUntil("all effects", 60_000, async () => (await effects()).length >= keys.length * 30);
      await instances[1]?.kill();
      const found = await effects();
      expect(new Set(found.map(({ instance: name }) => name))).toEqual(new Set(["first", "second"]));
      for (const key of keys) {
        const own = found.filter((effect) => effect.key === key).map(({ value }) => value);
        expect([key, own]).toEqual([key, Array.from({ length: 30 }, (_, n) => String(n))]);
      }
    }, 120_000);

    test("an empty topic is read to its end at once", async () => {
      const topic = await fixture.createTopic({ partitions: 2 });
      await using stream = fixture.createStream();
      expect(await readAll(stream, topic)).toEqual([]);
    }, 30_000);

    test("close waits for the batch under way and hands over nothing afterwards", async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      await using stream = fixture.createStream();
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
      await waitUntil("the batch", 20_000, () => begun === 1);
      const closed = stream.close().then(() => ended);
      release();
      expect(await closed).toBe(1);
      expect((await stream.publish([record(topic, "k", "1")], DEADLINE)).kind).toBe("unknown");
    }, 60_000);
  });
}
