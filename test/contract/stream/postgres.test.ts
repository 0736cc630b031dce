/**
 * The Postgres adapter on a real server: the contract of the port, then what only it has: offsets in the order of commits whoever holds a
 * head, cleaning, roles, and the ends that a server and its clients can come to.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase, type Database } from "../../../platform/postgres/pool.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { createPostgresStream, type PostgresStreamOptions } from "../../../platform/stream/postgres.ts";
import { createPostgresTopics, migratePostgresStream } from "../../../platform/stream/postgres-topics.ts";
import { startNodeProcess } from "../../harness/node-process.ts";
import { createTestDatabase, type TestDatabase } from "../../harness/postgres.ts";
import { waitUntil } from "../../harness/wait-until.ts";
import { publishSurely, readAll, record, streamContract, valuesOf } from "./stream-contract.ts";

const log = createLog({ name: "test", level: "silent" });

const DEADLINE = { deadlineMs: 10_000 };
const HOLDING = join(import.meta.dirname, "holding-process.ts");
const PUBLISH_ONE =
  "select event_stream.publish(array[$1], array['k'::bytea], array[convert_to($2, 'UTF8')], array[null])";
const READ = "select * from event_stream.read($1, 0, 0, 10, 1000)";
const CLEAN = "select event_stream.clean($1, 0, $2) as more";
const STANDING = `select convert_from(value, 'UTF8') as value from event_stream.records
  where topic_id = (select id from event_stream.topics where topic = $1) order by "offset"`;
/** What publish does, without its notification. */
const APPEND_SILENTLY = `
  with head as (
    update event_stream.heads set next = next + 1 where topic_id = (select id from event_stream.topics where topic = $1)
    returning topic_id, next
  )
  insert into event_stream.records (topic_id, partition, "offset", key, value, written_at)
  select topic_id, 0, next - 1, 'k', 'without', now() from head`;

let scratch: TestDatabase;
let database: Database;

function open(options: Partial<PostgresStreamOptions> = {}, onFatal: (error: Error) => void = () => {}): EventStream {
  const connection = scratch.connectionString;
  return createPostgresStream(
    { log, onFatal },
    { connection, applicationName: "test", reassignMs: 100, cleanEveryMs: 3_600_000, ...options },
  );
}

async function newTopic(config: Record<string, string> = {}, partitions = 1): Promise<string> {
  const topic = `t-${randomUUID()}`;
  await createPostgresTopics(database, [{ topic, partitions, replicationFactor: 1, config }]);
  return topic;
}

/** Reads from the start into `seen`. */
function collect(stream: EventStream, topic: string, seen: string[]): void {
  stream.subscribe({
    topic,
    from: async () => 0n,
    async handle({ records }) {
      seen.push(...records.map(({ value }) => value?.toString() ?? ""));
      return "continue";
    },
  });
}

/** Reads from where `from` says: the earliest offset at hand, and how often it was asked. `asked` is that offset each time. */
function follow(
  stream: EventStream,
  topic: string,
  from: (earliest: bigint, times: number) => bigint,
  { onFirst }: { readonly onFirst?: () => Promise<void> } = {},
) {
  const handed: (string | undefined)[] = [];
  const asked: bigint[] = [];
  let first = onFirst;
  stream.subscribe({
    topic,
    async from(_partition, { earliest }) {
      asked.push(earliest);
      return from(earliest, asked.length);
    },
    async handle({ records }) {
      const now = first;
      first = undefined;
      await now?.();
      handed.push(...valuesOf(records));
      return "continue";
    },
  });
  return { handed, asked };
}

async function waitsForLock(applicationName: string): Promise<boolean> {
  const { rowCount } = await database.query(
    "select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock' and datname = current_database()",
    [applicationName],
  );
  return rowCount !== 0;
}

/** As often as there is something to do, as the leader of cleaning does. */
async function clean(topic: string, step = 1_000): Promise<void> {
  while ((await database.query<{ more: boolean }>(CLEAN, [topic, step])).rows[0]?.more === true);
}

describe("Postgres", () => {
  beforeAll(async () => {
    scratch = await createTestDatabase({
      name: "event_stream",
      async prepare(connection) {
        await migratePostgresStream(connection);
      },
    });
    database = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  streamContract("postgres", async () => ({
    config: { stream: { kind: "postgres", url: scratch.connectionString } },
    createStream: () => open(),
    createTopic: ({ partitions, compact }) =>
      newTopic(compact ? { "cleanup.policy": "compact", "delete.retention.ms": "0" } : {}, partitions),
    async emptyTail(topic) {
      await using stream = open();
      await publishSurely(stream, [{ topic, key: "b", value: null }]);
      await clean(topic);
    },
    async [Symbol.asyncDispose]() {},
  }));

  describe("offsets", () => {
    test("an open transaction that has published is waited for: nobody is handed what comes behind it before it is committed", async () => {
      const topic = await newTopic();
      await using slow = await database.openSession("slow publisher");
      await using stream = open();
      const seen: string[] = [];
      collect(stream, topic, seen);
      await slow.query("begin");
      await slow.query(PUBLISH_ONE, [topic, "slow"]);
      const behind = stream.publish([record(topic, "k", "behind")], DEADLINE);
      await waitUntil("the publisher behind it to wait for the head", 10_000, () =>
        waitsForLock("test stream publisher"),
      );
      const read = await database.query(READ, [topic]);
      expect(read.rows).toMatchObject([{ next: "0", offset: null }]);
      await slow.query("commit");
      expect((await behind).kind).toBe("acked");
      await waitUntil("both", 10_000, () => seen.length === 2);
      expect(seen).toEqual(["slow", "behind"]);
    }, 30_000);

    test("a publisher that is killed inside its transaction leaves no record and no gap, and whoever waited goes on", async () => {
      const topic = await newTopic();
      const holder = startNodeProcess(HOLDING, [scratch.connectionString, topic]);
      await waitUntil("the head to be held", 20_000, () => holder.lines.includes("published"));
      await using stream = open();
      const behind = stream.publish([record(topic, "k", "behind")], DEADLINE);
      await waitUntil("the publisher behind it to wait for the head", 10_000, () =>
        waitsForLock("test stream publisher"),
      );
      await holder.kill();
      expect((await behind).kind).toBe("acked");
      const records = await readAll(stream, topic);
      expect(records.map(({ offset, value }) => [offset, value?.toString()])).toEqual([[0n, "behind"]]);
    }, 30_000);

    test("publishers that take the same partitions in opposite order do not lock each other out, and every batch is whole", async () => {
      const topic = await newTopic({}, 8);
      const keys = Array.from({ length: 24 }, (_, n) => `key-${n}`);
      const writers = [keys, keys.toReversed(), keys.toSorted(() => Math.random() - 0.5)];
      await Promise.all(
        writers.map(async (order, writer) => {
          await using stream = open();
          for (let n = 0; n < 30; n += 1) {
            const batch = order.map((key) => record(topic, key, `${writer}:${n}`));
            expect((await stream.publish(batch, DEADLINE)).kind).toBe("acked");
          }
        }),
      );
      await using reader = open();
      const records = await readAll(reader, topic);
      expect(records).toHaveLength(writers.length * 30 * keys.length);
      for (const own of Map.groupBy(records, ({ partition }) => partition).values()) {
        expect(own.map(({ offset }) => offset)).toEqual(own.map((_, n) => BigInt(n)));
      }
    }, 60_000);

    test("what is asked for while a statement runs goes together, and a record that is refused spoils nobody else's", async () => {
      const topic = await newTopic();
      await using stream = open();
      const asked = Array.from({ length: 30 }, (_, n) =>
        stream.publish([record(n % 10 === 5 ? "no-such-topic" : topic, "k", String(n))], DEADLINE),
      );
      const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
      expect(kinds).toEqual(Array.from({ length: 30 }, (_, n) => (n % 10 === 5 ? "unknown" : "acked")));
      const expected = Array.from({ length: 30 }, (_, n) => String(n)).filter((_, n) => n % 10 !== 5);
      expect(valuesOf(await readAll(stream, topic))).toEqual(expected);
    }, 30_000);

    test("a key, a header and a value with U+0000 and bytes that are no text arrive as they were sent", async () => {
      const topic = await newTopic();
      await using stream = open();
      const value = Buffer.from([0, 255, 254, 0]);
      const headers = new Map<string, Buffer>([
        ["__proto__", Buffer.from("x")],
        ["a\u0000", value],
      ]);
      await publishSurely(stream, [{ topic, key: "a\u0000b", value, headers }]);
      const [found] = await readAll(stream, topic);
      expect([found?.key, found?.value, found?.headers]).toEqual(["a\u0000b", value, headers]);
    }, 30_000);
  });

  describe("waiting", () => {
    test("a notification wakes the reader at once; without one the poll finds the record", async () => {
      const topic = await newTopic();
      await using patient = open({ maxWaitMs: 60_000 });
      await using polling = open({ maxWaitMs: 300 });
      const [rung, polled]: [string[], string[]] = [[], []];
      collect(patient, topic, rung);
      collect(polling, topic, polled);
      await waitUntil("both to read", 10_000, () => patient.position(topic).size + polling.position(topic).size === 2);
      await using writer = open();
      await publishSurely(writer, [record(topic, "k", "with")]);
      await waitUntil("the notified one", 5_000, () => rung.length === 1);
      await database.query(APPEND_SILENTLY, [topic]);
      await waitUntil("the polling one", 5_000, () => polled.length === 2);
      expect(polled).toEqual(["with", "without"]);
      expect(rung).toEqual(["with"]);
    }, 30_000);
  });

  describe("cleaning", () => {
    test("compaction keeps the latest record of each key and nothing else, at its own offset, however small the steps", async () => {
      const topic = await newTopic({ "cleanup.policy": "compact" });
      await using stream = open();
      const last = new Map<string, string>();
      for (let n = 0; n < 60; n += 1) {
        const key = `k${(n * n) % 7}`;
        last.set(key, String(n));
        await publishSurely(stream, [record(topic, key, String(n))]);
      }
      await clean(topic, 7);
      const records = await readAll(stream, topic);
      expect(new Map(records.map(({ key, value }) => [key, value?.toString()]))).toEqual(last);
      expect(records).toHaveLength(last.size);
      for (const { offset, value } of records) expect(String(offset)).toBe(value?.toString());
    }, 60_000);

    test("a tombstone stays for its time and goes afterwards, never before what it removed", async () => {
      const topic = await newTopic({ "cleanup.policy": "compact", "delete.retention.ms": "60000" });
      await using stream = open();
      for (const value of ["1", "2", null]) {
        await publishSurely(stream, [{ topic, key: "gone", value: value === null ? null : Buffer.from(value) }]);
      }
      await publishSurely(stream, [record(topic, "kept", "3")]);
      const standing = async () =>
        (await database.query<{ value: string | null }>(STANDING, [topic])).rows.map(({ value }) => value);
      await clean(topic, 1);
      expect(await standing()).toEqual([null, "3"]);
      await database.query("update event_stream.records set written_at = written_at - interval '2 minutes'");
      await database.query("update event_stream.cleaned set compacted_to = 0");
      await database.query(CLEAN, [topic, 1]); // has looked at offset 0 only, so the tombstone at 2 has to wait
      expect(await standing()).toEqual([null, "3"]);
      await clean(topic, 1);
      expect(await standing()).toEqual(["3"]);
      expect((await stream.endOffsets(topic, DEADLINE)).get(0)).toBe(4n);
    }, 30_000);

    test("records past their retention go and younger ones stay; an owner that was behind is asked again with the range that is left", async () => {
      const topic = await newTopic({ "retention.ms": "60000" });
      await using stream = open();
      for (let n = 0; n < 30; n += 1) await publishSurely(stream, [record(topic, "k", String(n))]);
      await database.query(
        `update event_stream.records r set written_at = written_at - interval '2 minutes'
          from event_stream.topics t where t.id = r.topic_id and t.topic = $1 and r."offset" < 20`,
        [topic],
      );
      const { handed, asked } = follow(stream, topic, (earliest, times) => (times === 1 ? 5n : earliest), {
        async onFirst() {
          await clean(topic, 7);
          throw new Error("not now"); // the batch at hand is handed over again; what comes next is gone
        },
      });
      await waitUntil("position 30", 20_000, () => stream.position(topic).get(0) === 30n);
      expect(asked).toEqual([0n]);
      await using late = open();
      const second = follow(late, topic, (earliest, times) => (times === 1 ? 5n : earliest));
      await waitUntil("position 30", 20_000, () => late.position(topic).get(0) === 30n);
      expect(second.asked[0]).toBe(20n);
      expect(second.handed).toEqual(Array.from({ length: 10 }, (_, n) => String(n + 20)));
      expect(handed).toEqual(Array.from({ length: 25 }, (_, n) => String(n + 5)));
      await clean(topic);
      expect((await late.endOffsets(topic, DEADLINE)).get(0)).toBe(30n);
    }, 60_000);

    test("records that went under a reader are not skipped in silence", async () => {
      const topic = await newTopic({ "retention.ms": "60000" });
      await using stream = open();
      for (let n = 0; n < 5; n += 1) await publishSurely(stream, [record(topic, "k", String(n))]);
      const { handed, asked } = follow(stream, topic, (earliest) => earliest);
      await waitUntil("position 5", 20_000, () => stream.position(topic).get(0) === 5n);
      await database.query(
        `update event_stream.cleaned c set earliest = 7 from event_stream.topics t where t.id = c.topic_id and t.topic = $1`,
        [topic],
      );
      await database.query(
        `update event_stream.heads h set next = 8 from event_stream.topics t where t.id = h.topic_id and t.topic = $1`,
        [topic],
      );
      await waitUntil("position 8", 20_000, () => stream.position(topic).get(0) === 8n);
      expect(asked).toEqual([0n, 7n]);
      expect(handed).toHaveLength(5);
    }, 30_000);

    test("a topic without retention loses nothing", async () => {
      const topic = await newTopic({ "retention.ms": "-1" });
      await using stream = open();
      await publishSurely(stream, [record(topic, "k", "old")]);
      await database.query("update event_stream.records set written_at = 'epoch'");
      await clean(topic);
      expect(valuesOf(await readAll(stream, topic))).toEqual(["old"]);
    }, 30_000);

    test("of several streams one cleans by itself while records are published, and a reader of the compacted topic ends with the truth", async () => {
      const topic = await newTopic({ "cleanup.policy": "compact" });
      await using first = open({ cleanEveryMs: 20 });
      await using second = open({ cleanEveryMs: 20 });
      const latest = new Map<string | null, string>();
      first.subscribe({
        topic,
        from: async () => 0n,
        async handle({ records }) {
          for (const { key, value } of records) latest.set(key, value?.toString() ?? "");
          return "continue";
        },
      });
      for (let n = 0; n < 200; n += 1) {
        await publishSurely(n % 2 === 0 ? first : second, [record(topic, `k${n % 5}`, String(n))]);
      }
      await waitUntil("position 200", 20_000, () => first.position(topic).get(0) === 200n);
      expect([...latest.values()].toSorted()).toEqual(["195", "196", "197", "198", "199"]);
      const count = async () => (await database.query(STANDING, [topic])).rowCount;
      await waitUntil("five records to be left", 20_000, async () => (await count()) === 5);
    }, 60_000);
  });
});
