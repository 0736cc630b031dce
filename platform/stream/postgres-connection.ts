/**
 * One session of Postgres for reading the event stream. A fetch that finds nothing waits for the notification that every publish sends, or for
 * its time to be over. Correctness relies on the poll; the notification only makes it fast.
 */
import type { Database } from "../postgres/pool.ts";
import type { FetchOutcome, StreamConnection } from "./connection.ts";
import type { StreamRecord } from "./port.ts";
import { kept } from "./postgres-record.ts";

/** Per fetch, as they stand there and as they are handed over. Several records of 64 KiB fit. */
const MAX_RECORDS = 500;
const MAX_KEPT_BYTES = 512 * 1024;
const MAX_BYTES = 4 * 1024 * 1024;

interface Row {
  readonly earliest: string;
  readonly next: string;
  /** Null when nothing stands at or behind the asked-for offset; the rest is null then, too. */
  readonly offset: string | null;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly headers: string | null;
  readonly written_ms: string;
}

export async function openPostgresConnection({
  database,
}: {
  readonly database: Pick<Database, "openSession">;
}): Promise<StreamConnection> {
  const session = await database.openSession("stream reader");
  const destroyed = new AbortController();
  const ended = AbortSignal.any([destroyed.signal, session.lost]);
  /** Partitions, as `topic/number`, of which a notification came since they were last read. */
  const rung = new Set<string>();
  let onRing: () => void = () => {};
  session.onNotification((_channel, payload = "") => {
    rung.add(payload);
    onRing();
  });
  let listening = false;

  async function read(topic: string, partition: number, offset: bigint): Promise<FetchOutcome> {
    const { rows } = await session.query<Row>(
      'select earliest, next, "offset", key, value, headers, written_ms from event_stream.read($1, $2, $3, $4, $5)',
      [topic, partition, offset, MAX_RECORDS, MAX_KEPT_BYTES],
    );
    const [first] = rows;
    if (first === undefined) throw new Error(`${topic}/${partition} does not exist, or this role may not read it`);
    if (offset < BigInt(first.earliest) || offset > BigInt(first.next)) return { kind: "out_of_range" };
    const records: StreamRecord[] = [];
    let bytes = 0;
    for (const row of rows) {
      if (row.offset === null || bytes >= MAX_BYTES) break;
      const record = recordOf(topic, partition, row.offset, row);
      records.push(record);
      bytes += record.value?.length ?? 0;
    }
    const last = records.at(-1);
    // Nothing up to the end: what stood there was compacted away.
    return { kind: "fetched", records, nextOffset: last === undefined ? BigInt(first.next) : last.offset + 1n };
  }

  /** Resolves when the partition rang or the time is over; rejects when the session ended. */
  async function wait(name: string, maxWaitMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, maxWaitMs);
    const onEnd = () => reject(new Error("connection ended", { cause: ended.reason }));
    onRing = () => {
      if (rung.has(name)) resolve();
    };
    onRing();
    ended.addEventListener("abort", onEnd, { once: true });
    if (ended.aborted) onEnd();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      ended.removeEventListener("abort", onEnd);
    }
  }

  async function ranges(topic: string) {
    const { rows } = await session.query<{ partition: number; earliest: string; next: string }>(
      "select partition, earliest, next from event_stream.ranges($1)",
      [topic],
    );
    if (rows.length === 0) throw new Error(`topic ${topic} does not exist, or this role may not see it`);
    return rows;
  }

  return {
    async partitions(topic) {
      return (await ranges(topic)).map(({ partition }) => partition);
    },
    async range(topic, partition) {
      const found = (await ranges(topic)).find((row) => row.partition === partition);
      if (found === undefined) throw new Error(`${topic} has no partition ${partition}`);
      return { earliest: BigInt(found.earliest), end: BigInt(found.next) };
    },
    async fetch(topic, partition, offset, maxWaitMs) {
      const name = `${topic}/${partition}`;
      if (!listening) await session.query("listen event_stream"); // before the first look, so nothing falls between
      listening = true;
      rung.delete(name);
      const found = await read(topic, partition, offset);
      if (found.kind !== "fetched" || found.records.length > 0 || found.nextOffset > offset) return found;
      await wait(name, maxWaitMs);
      rung.delete(name);
      return read(topic, partition, offset);
    },
    destroy(reason) {
      destroyed.abort(reason);
      void session.close();
    },
  };
}

function recordOf(topic: string, partition: number, offset: string, row: Row): StreamRecord {
  return {
    topic,
    partition,
    offset: BigInt(offset),
    key: row.key.toString("utf8"),
    ...kept(row),
    timestampMs: Number(row.written_ms),
  };
}
