/**
 * The sealer assigns events their place: it moves rows from `outbox`, where the transactions that caused them put them, into the append-only
 * `audit_log`, with a gap-free index and the hash of the event before. Rows wait in the outbox until they are moved, so one that commits late
 * with a low id is not skipped, only sealed later.
 *
 * One sealer at a time by advisory lock, but the lock alone is not trusted: a second sealer would violate UNIQUE (log_id, leaf_index) and its
 * whole transaction is undone, so there is no fork. An event that cannot be sealed stops the sealer; nothing is dropped.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { digest } from "../../../core/domain/id.ts";
import { BEGINNING, endAfter, type LogEnd, placeAfter } from "../../../core/domain/log-chain.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { APPROVAL_LOG, type AuditEvent, sealEvent, UnsealedEventSchema } from "../../../core/messages/audit-event.ts";
import { createParser } from "../../../core/messages/parse.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Leadership, Lease } from "../../../platform/postgres/leadership.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Wakeup } from "../../../platform/postgres/wakeup.ts";
import type { SealerRows } from "./audit-source.ts";

const parseUnsealed = createParser(UnsealedEventSchema);

interface Sealer {
  /** Seals whenever it leads, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSealer(
  {
    rows,
    leadership,
    wakeup,
    metrics,
  }: {
    readonly rows: SealerRows;
    readonly leadership: Leadership;
    readonly wakeup: Wakeup;
    readonly metrics: Metrics;
  },
  { batchSize = 200 }: { readonly batchSize?: number } = {},
): Sealer {
  const sealedTotal = metrics.counter("audit_sealed_total", "Events sealed into the audit log");

  async function term(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      const sealed = await lease.transaction("seal", (tx) => sealBatch(tx, rows, batchSize));
      sealedTotal.inc(sealed);
      if (sealed < batchSize) await wakeup.next(lease.signal);
    }
  }

  return { run: (signal) => leadership.run(term, signal) };
}

/** Seals at most `limit` events inside the given transaction; how many. Rejects when another sealer was faster. */
export async function sealBatch(tx: Queryable, rows: SealerRows, limit: number): Promise<number> {
  const waiting = await rows.waiting(tx, limit);
  if (waiting.length === 0) return 0;
  const last = await rows.last(tx);
  let end = last === undefined ? BEGINNING : endOf(last.index, last.hash);
  const sealed: AuditEvent[] = [];
  for (const { id, event } of waiting) {
    const sealedEvent = sealOne(id, event, end);
    sealed.push(sealedEvent);
    end = endOf(sealedEvent.leafindex, sealedEvent.leafhash);
  }
  await rows.append(tx, sealed);
  const removed = await rows.remove(
    tx,
    waiting.map(({ id }) => id),
  );
  if (removed !== waiting.length) throw new AppError("conflict", "another sealer took events of this batch");
  return waiting.length;
}

/** This log is never closed. */
function endOf(index: string, hash: string): LogEnd {
  return endAfter({ index: BigInt(index), hash: digest(hash), closes: false });
}

function sealOne(outboxId: string, text: string, end: LogEnd): AuditEvent {
  const parsed = parseUnsealed(text);
  if (parsed.kind === "malformed")
    throw new AppError("invalid_record", `outbox row ${outboxId} is not an event: ${parsed.detail}`);
  const { data, ...context } = parsed.value;
  const known = HALF_A_PAIR.test(text) ? wellFormed(data) : data;
  return sealEvent({ ...context, data: known }, { logId: APPROVAL_LOG, ...placeAfter(end) });
}

/** What may be half a surrogate pair: only escaped can there be one in a text. */
const HALF_A_PAIR = /\\u[dD]/;

/** Free text with half a surrogate pair has no canonical form, hence no hash; it must not stop the log. */
function wellFormed(data: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key.toWellFormed(), wellFormedValue(value)]));
}

function wellFormedValue(value: Json): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (value === null || typeof value !== "object") return value;
  return isList(value) ? value.map(wellFormedValue) : wellFormed(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
