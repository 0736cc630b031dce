/**
 * The audit relay: publishes sealed events (a cursor over `audit_log`, whose arrival numbers are given in commit order) and the decision
 * services' own log entries (rows of `republish`, deleted when acknowledged). It publishes, then marks: if killed in between, it publishes again
 * with the same id, log, index and hash, and consumers drop the repetition. It never gives up on a row and never skips one.
 */
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Leadership, Lease } from "../../../platform/postgres/leadership.ts";
import type { Wakeup } from "../../../platform/postgres/wakeup.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import type { RelayRows } from "./audit-source.ts";
import { auditRecord } from "./cloud-event.ts";
import { createPublishSurely } from "./publish-surely.ts";

interface AuditRelayDeps {
  readonly rows: RelayRows;
  readonly leadership: Leadership;
  readonly wakeup: Wakeup;
  readonly stream: Pick<EventStream, "publish">;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface AuditRelay {
  /** Publishes whenever it leads, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createAuditRelay(
  { rows, leadership, wakeup, stream, log, metrics }: AuditRelayDeps,
  {
    topic,
    batchSize = 200,
    publishDeadlineMs = 10_000,
  }: { readonly topic: string; readonly batchSize?: number; readonly publishDeadlineMs?: number },
): AuditRelay {
  const publishedTotal = metrics.counter("audit_published_total", "Acknowledged audit records", ["kind"]);
  const unknownTotal = metrics.counter("audit_unacknowledged_total", "Attempts to publish that were not acknowledged");
  const publishSurely = createPublishSurely({ stream, onUnknown: notAcknowledged }, { deadlineMs: publishDeadlineMs });

  function notAcknowledged(cause: unknown, records: number): void {
    unknownTotal.inc();
    log.warn(
      { event: "audit_not_acknowledged", err: cause, records },
      "audit records were not acknowledged by the stream; they are sent again",
    );
  }

  async function publishSealed(lease: Lease): Promise<number> {
    const found = await rows.sealed(lease, batchSize);
    const last = found.at(-1);
    if (last === undefined) return 0;
    await publishSurely(
      found.map(({ event, arrival }) => auditRecord(topic, event, `audit_log row ${arrival}`)),
      lease.signal,
    );
    await rows.markPublished(lease, last.arrival);
    publishedTotal.inc({ kind: "sealed" }, found.length);
    return found.length;
  }

  async function publishDecisions(lease: Lease): Promise<number> {
    const found = await rows.decisions(lease, batchSize);
    if (found.length === 0) return 0;
    await publishSurely(
      found.map(({ event, id }) => auditRecord(topic, event, `republish row ${id}`)),
      lease.signal,
    );
    await rows.removeDecisions(
      lease,
      found.map(({ id }) => id),
    );
    publishedTotal.inc({ kind: "decision" }, found.length);
    return found.length;
  }

  async function term(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      const sealed = await publishSealed(lease);
      const decisions = await publishDecisions(lease);
      if (sealed < batchSize && decisions < batchSize) await wakeup.next(lease.signal);
    }
  }

  return { run: (signal) => leadership.run(term, signal) };
}
