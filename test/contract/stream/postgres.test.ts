/**
 * The Postgres adapter on a real server: the contract of the port, then what rests on offsets in the order of commits, whoever holds a head.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { EventStream } from "../../../platform/stream/port.ts";
import { startNodeProcess } from "../../harness/node-process.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { type PostgresStreams, startPostgresStreams } from "./postgres-streams.ts";
import { streamContract } from "./stream-contract.ts";
import { publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

const DEADLINE = { deadlineMs: 30_000 };
const HOLDING = join(import.meta.dirname, "holding-process.ts");
const PUBLISH_ONE =
  "select event_stream.publish(array[$1], array['k'::bytea], array[convert_to($2, 'UTF8')], array[null])";
const READ = "select * from event_stream.read($1, 0, 0, 10, 1000)";
/** What publish does, without its notification. */
const APPEND_SILENTLY = `
  with head as (
    update event_stream.heads set next = next + 1 where topic_id = (select id from event_stream.topics where topic = $1)
    returning topic_id, next
  )
  insert into event_stream.records (topic_id, partition, "offset", key, value, written_at)
  select topic_id, 0, next - 1, 'k', 'without', now() from head`;

let streams: PostgresStreams;
beforeAll(async () => {
  streams = await startPostgresStreams();
}, 60_000);
afterAll(async () => {
  await streams[Symbol.asyncDispose]();
});

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

async function waitsForLock(applicationName: string): Promise<boolean> {
  const { rowCount } = await streams.database.query(
    "select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock' and datname = current_database()",
    [applicationName],
  );
  return rowCount !== 0;
}

streamContract("postgres", async () => ({
  config: { stream: { kind: "postgres", url: streams.connectionString } },
  createStream: () => streams.open(),
  createTopic: ({ partitions, compact }) =>
    streams.newTopic(compact ? { "cleanup.policy": "compact", "delete.retention.ms": "0" } : {}, partitions),
  async emptyTail(topic) {
    await using stream = streams.open();
    await publishSurely(stream, [{ topic, key: "b", value: null }]);
    await streams.clean(topic);
  },
  async [Symbol.asyncDispose]() {},
}));

describe("offsets", () => {
  test("an open transaction that has published is waited for: nobody is handed what comes behind it before it is committed", async () => {
    const topic = await streams.newTopic();
    await using slow = await streams.database.openSession("slow publisher");
    await using stream = streams.open();
    const seen: string[] = [];
    collect(stream, topic, seen);
    await slow.query("begin");
    await slow.query(PUBLISH_ONE, [topic, "slow"]);
    const behind = stream.publish([record(topic, "k", "behind")], DEADLINE);
    await waitUntil("the publisher behind it to wait for the head", 60_000, () =>
      waitsForLock("test stream publisher"),
    );
    const read = await streams.database.query(READ, [topic]);
    expect(read.rows).toMatchObject([{ next: "0", offset: null }]);
    await slow.query("commit");
    expect((await behind).kind).toBe("acked");
    await waitUntil("both", 60_000, () => seen.length === 2);
    expect(seen).toEqual(["slow", "behind"]);
  }, 30_000);

  test("a publisher that is killed inside its transaction leaves no record and no gap, and whoever waited goes on", async () => {
    const topic = await streams.newTopic();
    const holder = startNodeProcess(HOLDING, [streams.connectionString, topic]);
    await waitUntil("the head to be held", 60_000, () => holder.lines.includes("published"));
    await using stream = streams.open();
    const behind = stream.publish([record(topic, "k", "behind")], DEADLINE);
    await waitUntil("the publisher behind it to wait for the head", 60_000, () =>
      waitsForLock("test stream publisher"),
    );
    await holder.kill();
    expect((await behind).kind).toBe("acked");
    const records = await readAll(stream, topic);
    expect(records.map(({ offset, value }) => [offset, value?.toString()])).toEqual([[0n, "behind"]]);
  }, 30_000);

  test("publishers that take the same partitions in opposite order do not lock each other out, and every batch is whole", async () => {
    const topic = await streams.newTopic({}, 8);
    const keys = Array.from({ length: 24 }, (_, n) => `key-${n}`);
    const writers = [keys, keys.toReversed(), keys.toSorted(() => Math.random() - 0.5)];
    await Promise.all(
      writers.map(async (order, writer) => {
        await using stream = streams.open();
        for (let n = 0; n < 30; n += 1) {
          const batch = order.map((key) => record(topic, key, `${writer}:${n}`));
          expect((await stream.publish(batch, DEADLINE)).kind).toBe("acked");
        }
      }),
    );
    await using reader = streams.open();
    const records = await readAll(reader, topic);
    expect(records).toHaveLength(writers.length * 30 * keys.length);
    for (const own of Map.groupBy(records, ({ partition }) => partition).values()) {
      expect(own.map(({ offset }) => offset)).toEqual(own.map((_, n) => BigInt(n)));
    }
  }, 60_000);

  test("what is asked for while a statement runs goes together, and a record that is refused spoils nobody else's", async () => {
    const topic = await streams.newTopic();
    await using stream = streams.open();
    const asked = Array.from({ length: 30 }, (_, n) =>
      stream.publish([record(n % 10 === 5 ? "no-such-topic" : topic, "k", String(n))], DEADLINE),
    );
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
    expect(kinds).toEqual(Array.from({ length: 30 }, (_, n) => (n % 10 === 5 ? "unknown" : "acked")));
    const expected = Array.from({ length: 30 }, (_, n) => String(n)).filter((_, n) => n % 10 !== 5);
    expect(valuesOf(await readAll(stream, topic))).toEqual(expected);
  }, 30_000);

  test("a key, a header and a value with U+0000 and bytes that are no text arrive as they were sent", async () => {
    const topic = await streams.newTopic();
    await using stream = streams.open();
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

describe("what an honest writer does not write", () => {
  const APPEND = `select event_stream.publish(array[$1], array['k'::bytea], array[convert_to('bent', 'UTF8')], array[$2])`;

  test("records with headers of another form are handed over without any, and the reader goes on to what stands behind them", async () => {
    const topic = await streams.newTopic();
    for (const headers of ['{"gzip":[]}', '{"zstd":1}', '[["name"]]', '"text"', "null"]) {
      await streams.database.query(APPEND, [topic, headers]);
    }
    await using stream = streams.open();
    await publishSurely(stream, [record(topic, "k", "behind")]);
    const records = await readAll(stream, topic);
    expect(valuesOf(records)).toEqual(["bent", "bent", "bent", "bent", "bent", "behind"]);
    expect(records.map(({ headers }) => headers.size)).toEqual(records.map(() => 0));
  }, 30_000);

  test("headers of a megabyte each count for what one answer may have", async () => {
    const topic = await streams.newTopic();
    const headers = JSON.stringify([["name", "A".repeat(1_000_000)]]);
    for (let n = 0; n < 3; n += 1) await streams.database.query(APPEND, [topic, headers]);
    const read = await streams.database.query("select * from event_stream.read($1, 0, 0, 10, 1500000)", [topic]);
    expect(read.rows).toHaveLength(1);
    await using stream = streams.open();
    expect(await readAll(stream, topic)).toHaveLength(3);
  }, 30_000);
});

describe("waiting", () => {
  test("a notification wakes the reader at once; without one the poll finds the record", async () => {
    const topic = await streams.newTopic();
    await using patient = streams.open({ maxWaitMs: 60_000 });
    await using polling = streams.open({ maxWaitMs: 300 });
    const [rung, polled]: [string[], string[]] = [[], []];
    collect(patient, topic, rung);
    collect(polling, topic, polled);
    await waitUntil("both to read", 60_000, () => patient.position(topic).size + polling.position(topic).size === 2);
    await using writer = streams.open();
    await publishSurely(writer, [record(topic, "k", "with")]);
    await waitUntil("the notified one", 30_000, () => rung.length === 1);
    await streams.database.query(APPEND_SILENTLY, [topic]);
    await waitUntil("the polling one", 60_000, () => polled.length === 2);
    expect(polled).toEqual(["with", "without"]);
    expect(rung).toEqual(["with"]);
  }, 30_000);
});
