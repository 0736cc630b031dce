/**
 * Compaction and retention of the event stream in Postgres: what goes, what never goes, and what a reader that was behind is told.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { EventStream } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { type PostgresStreams, startPostgresStreams } from "./postgres-streams.ts";
import { publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

const DEADLINE = { deadlineMs: 30_000 };

const AGE = `update event_stream.records r set written_at = written_at - interval '2 minutes'
  from event_stream.topics t where t.id = r.topic_id and t.topic = $1`;

let streams: PostgresStreams;
beforeAll(async () => {
  streams = await startPostgresStreams();
}, 60_000);
afterAll(async () => {
  await streams[Symbol.asyncDispose]();
});

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

/** What a reader of the whole topic holds at its end. */
async function viewOf(topic: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await streams.database.query<{ key: string | null; value: string | null }>(
    `select convert_from(key, 'UTF8') as key, convert_from(value, 'UTF8') as value
       from event_stream.read($1, 0, 0, 1000, 1000000) order by "offset"`,
    [topic],
  );
  const view = new Map<string, string | null>();
  for (const { key, value } of rows) if (key !== null) view.set(key, value);
  return truth(view);
}

function truth(latest: ReadonlyMap<string, string | null>): ReadonlyMap<string, string> {
  return new Map([...latest].flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
}

describe("cleaning", () => {
  test("compaction keeps the latest record of each key and nothing else, at its own offset, however small the steps", async () => {
    const topic = await streams.newTopic({ "cleanup.policy": "compact" });
    await using stream = streams.open();
    const last = new Map<string, string>();
    for (let n = 0; n < 60; n += 1) {
      const key = `k${(n * n) % 7}`;
      last.set(key, String(n));
      await publishSurely(stream, [record(topic, key, String(n))]);
    }
    await streams.clean(topic, 7);
    const records = await readAll(stream, topic);
    expect(new Map(records.map(({ key, value }) => [key, value?.toString()]))).toEqual(last);
    expect(records).toHaveLength(last.size);
    for (const { offset, value } of records) expect(String(offset)).toBe(value?.toString());
  }, 60_000);

  test("a tombstone stays for its time and goes afterwards, never before what it removed", async () => {
    const topic = await streams.newTopic({ "cleanup.policy": "compact", "delete.retention.ms": "60000" });
    await using stream = streams.open();
    for (const value of ["1", "2", null]) {
      await publishSurely(stream, [{ topic, key: "gone", value: value === null ? null : Buffer.from(value) }]);
    }
    await publishSurely(stream, [record(topic, "kept", "3")]);
    const standing = () => streams.standing(topic);
    await streams.clean(topic, 1);
    expect(await standing()).toEqual([null, "3"]);
    await streams.database.query("update event_stream.records set written_at = written_at - interval '2 minutes'");
    await streams.database.query("update event_stream.cleaned set compacted_to = 0");
    await streams.cleanStep(topic, 1); // has looked at offset 0 only, so the tombstone at 2 has to wait
    expect(await standing()).toEqual([null, "3"]);
    await streams.clean(topic, 1);
    expect(await standing()).toEqual(["3"]);
    expect((await stream.endOffsets(topic, DEADLINE)).get(0)).toBe(4n);
  }, 30_000);

  test("records past their retention go and younger ones stay; an owner that was behind is asked again with the range that is left", async () => {
    const topic = await streams.newTopic({ "retention.ms": "60000" });
    await using stream = streams.open();
    for (let n = 0; n < 30; n += 1) await publishSurely(stream, [record(topic, "k", String(n))]);
    await streams.database.query(
      `update event_stream.records r set written_at = written_at - interval '2 minutes'
        from event_stream.topics t where t.id = r.topic_id and t.topic = $1 and r."offset" < 20`,
      [topic],
    );
    const { handed, asked } = follow(stream, topic, (earliest, times) => (times === 1 ? 5n : earliest), {
      async onFirst() {
        await streams.clean(topic, 7);
        throw new Error("not now"); // the batch at hand is handed over again; what comes next is gone
      },
    });
    await waitUntil("position 30", 60_000, () => stream.position(topic).get(0) === 30n);
    expect(asked).toEqual([0n]);
    await using late = streams.open();
    const second = follow(late, topic, (earliest, times) => (times === 1 ? 5n : earliest));
    await waitUntil("position 30", 60_000, () => late.position(topic).get(0) === 30n);
    expect(second.asked[0]).toBe(20n);
    expect(second.handed).toEqual(Array.from({ length: 10 }, (_, n) => String(n + 20)));
    expect(handed).toEqual(Array.from({ length: 25 }, (_, n) => String(n + 5)));
    await streams.clean(topic);
    expect((await late.endOffsets(topic, DEADLINE)).get(0)).toBe(30n);
  }, 60_000);

  test("records that went under a reader are not skipped in silence", async () => {
    const topic = await streams.newTopic({ "retention.ms": "60000" });
    await using stream = streams.open();
    for (let n = 0; n < 5; n += 1) await publishSurely(stream, [record(topic, "k", String(n))]);
    const { handed, asked } = follow(stream, topic, (earliest) => earliest);
    await waitUntil("position 5", 60_000, () => stream.position(topic).get(0) === 5n);
    await streams.database.query(
      `update event_stream.cleaned c set earliest = 7 from event_stream.topics t where t.id = c.topic_id and t.topic = $1`,
      [topic],
    );
    await streams.database.query(
      `update event_stream.heads h set next = 8 from event_stream.topics t where t.id = h.topic_id and t.topic = $1`,
      [topic],
    );
    await waitUntil("position 8", 60_000, () => stream.position(topic).get(0) === 8n);
    expect(asked).toEqual([0n, 7n]);
    expect(handed).toHaveLength(5);
  }, 30_000);

  test("a topic without retention loses nothing", async () => {
    const topic = await streams.newTopic({ "retention.ms": "-1" });
    await using stream = streams.open();
    await publishSurely(stream, [record(topic, "k", "old")]);
    await streams.database.query("update event_stream.records set written_at = 'epoch'");
    await streams.clean(topic);
    expect(valuesOf(await readAll(stream, topic))).toEqual(["old"]);
  }, 30_000);

  test("whatever is published and cleaned in whatever steps, a reader that begins anew ends with the latest of each key", async () => {
    await using stream = streams.open();
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("put" as const), key: fc.integer({ min: 0, max: 3 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), key: fc.integer({ min: 0, max: 3 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("clean" as const), step: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 1, arbitrary: fc.constant({ do: "age" as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40, size: "max" }), async (operations) => {
        const topic = await streams.newTopic({ "cleanup.policy": "compact", "delete.retention.ms": "60000" });
        const latest = new Map<string, string | null>();
        const put = async (key: string, value: string | null) => {
          await publishSurely(stream, [{ topic, key, value: value === null ? null : Buffer.from(value) }]);
          latest.set(key, value);
        };
        for (const [n, one] of operations.entries()) {
          if (one.do === "put") await put(`k${one.key}`, String(n));
          else if (one.do === "remove") await put(`k${one.key}`, null);
          else if (one.do === "clean") await streams.cleanStep(topic, one.step);
          else await streams.database.query(AGE, [topic]);
          expect(await viewOf(topic)).toEqual(truth(latest));
        }
        await streams.clean(topic, 3);
        expect(await viewOf(topic)).toEqual(truth(latest));
        expect((await streams.standing(topic)).filter((value) => value !== null)).toHaveLength(truth(latest).size);
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  test("of several streams one cleans by itself while records are published, and a reader of the compacted topic ends with the truth", async () => {
    const topic = await streams.newTopic({ "cleanup.policy": "compact" });
    await using first = streams.open({ cleanEveryMs: 20 });
    await using second = streams.open({ cleanEveryMs: 20 });
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
    await waitUntil("position 200", 60_000, () => first.position(topic).get(0) === 200n);
    expect([...latest.values()].toSorted()).toEqual(["195", "196", "197", "198", "199"]);
    const left = async () => (await streams.standing(topic)).length;
    await waitUntil("five records to be left", 60_000, async () => (await left()) === 5);
  }, 60_000);
});
