/**
 * Reads one topic for the approval service. A partition's offset is a row beside the effects, moved in their transaction and only from where it
 * was read (`UPDATE … WHERE next_offset`), so two readers can never both count. An advisory lock per partition spares them the attempt;
 * correctness relies on the offset row.
 *
 * Outcomes of `take`: resolved = the record's effect and the moved offset are committed. An AppError `conflict` = somebody else moved the offset:
 * the partition is released and requested again. Any other rejection = transient: the same record is read again after a pause, and nothing behind
 * it before.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import type { Database, Session } from "../../../platform/postgres/pool.ts";
import { trySessionLock } from "../../../platform/postgres/session-lock.ts";
import type {
  HandleOutcome,
  OffsetRange,
  StreamBatch,
  StreamRecord,
  Subscription,
} from "../../../platform/stream/port.ts";
import type { StreamPosition } from "./ports.ts";
import type { IntakeEvents } from "./events.ts";

/** Handles one record, offset included; see the file header for its outcomes. */
export type TakeRecord = (record: StreamRecord, position: StreamPosition) => Promise<void>;

export interface StoredOffsets {
  /** Next offset to read; stores `initial` for a partition that was never read. */
  stored(topic: string, partition: number, initial: bigint): Promise<bigint>;
  /** Moves a stored offset that is outside the topic. Rejects if it was moved meanwhile; then `from` is called again. */
  advance(position: StreamPosition): Promise<void>;
}

interface Consumer extends AsyncDisposable {
  /** For `stream.subscribe`. */
  readonly subscription: Subscription;
  /** Releases all partitions. Close the stream first. */
  close(): Promise<void>;
}

interface ConsumerDeps {
  readonly database: Pick<Database, "openSession">;
  readonly offsets: StoredOffsets;
  readonly take: TakeRecord;
  readonly events: Pick<IntakeEvents, "lost" | "waits">;
}

export function createConsumer({ database, offsets, take, events }: ConsumerDeps, topic: string): Consumer {
  /** Committed so far, by partition; may run ahead of a batch that is handed over again after a failure inside it. */
  const committed = new Map<number, bigint>();
  const owned = new Map<number, Session>();
  let session: Promise<Session> | undefined;

  /** NB: one after the other, since partitions ask at the same time: a lock held by a second, forgotten session would never be released. */
  function lockSession(): Promise<Session> {
    session = openAfter(session);
    return session;
  }

  async function openAfter(before: Promise<Session> | undefined): Promise<Session> {
    const opened = await before?.catch(() => undefined);
    return opened !== undefined && !opened.lost.aborted ? opened : database.openSession(`intake ${topic}`);
  }

  async function own(partition: number): Promise<boolean> {
    const holder = await lockSession();
    if (owned.get(partition) === holder) return true;
    if (!(await trySessionLock(holder, `countersign.intake ${topic}/${partition}`))) return false;
    owned.set(partition, holder);
    return true;
  }

  async function from(partition: number, range: OffsetRange): Promise<bigint | "skip"> {
    if (!(await own(partition))) return "skip";
    const stored = await offsets.stored(topic, partition, range.earliest);
    committed.set(partition, stored);
    if (stored >= range.earliest && stored <= range.end) return stored;
    // NB: records are gone, or the topic was created again. Going on is right (records are idempotent by id), silence is not.
    await offsets.advance({ topic, partition, from: stored, next: range.earliest });
    events.lost({ topic, partition, stored, earliest: range.earliest });
    committed.set(partition, range.earliest);
    return range.earliest;
  }

  async function handle({ partition, fromOffset, nextOffset, records }: StreamBatch): Promise<HandleOutcome> {
    let at = committed.get(partition) ?? fromOffset;
    if (at < fromOffset) return "release"; // the stored offset was passed
    for (const [index, record] of records.entries()) {
      if (owned.get(partition)?.lost.aborted !== false) return release(partition);
      const next = index === records.length - 1 ? nextOffset : record.offset + 1n;
      if (next <= at) continue;
      try {
        await take(record, { topic, partition, from: at, next });
      } catch (error) {
        if (error instanceof AppError && error.code === "conflict") return release(partition);
        events.waits(record, error);
        throw error;
      }
      at = next;
      committed.set(partition, at);
    }
    return "continue";
  }

  function release(partition: number): "release" {
    committed.delete(partition);
    if (owned.get(partition)?.lost.aborted !== false) owned.delete(partition);
    return "release";
  }

  const consumer: Consumer = {
    subscription: { topic, from, handle },
    async close() {
      await (await session?.catch(() => undefined))?.close();
    },
    [Symbol.asyncDispose]: () => consumer.close(),
  };
  return consumer;
}
