/**
 * The audit relay: publishes sealed events (a cursor over `audit_log`, whose arrival numbers are given in commit order) and the
 * decision services' own log entries (rows of `republish`, deleted when acknowledged). Publish, then mark: killed in between,
 * it publishes again with the same id, log, index and hash, and a consumer drops the repetition. It never gives up on a row
 * and never steps over one.
 */
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Leadership, Lease } from "../../../platform/postgres/leadership.ts";
import type { Wakeup } from "../../../platform/postgres/wakeup.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { auditRecord } from "./cloud-event.ts";
import { createPublishSurely } from "./publish-surely.ts";

const CURSOR = "audit-relay";

interface AuditRelayDeps {
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
  { leadership, wakeup, stream, log, metrics }: AuditRelayDeps,
  {
    topic,
    batchSize = 200,
    publishDeadlineMs = 10_000,
  }: { readonly topic: string; readonly batchSize?: number; readonly publishDeadlineMs?: number },
): AuditRelay {
  const publishedTotal = metrics.counter("audit_published_total", "Acknowledged audit records", ["kind"]);
  const unknownTotal = metrics.counter("audit_unacknowledged_total", "Publish tries without an acknowledgement");
  const oldestSeconds = metrics.gauge("audit_oldest_unpublished_seconds", "Age of the oldest unpublished audit event");
  const publishSurely = createPublishSurely({ stream, onUnknown: notAcknowledged }, { deadlineMs: publishDeadlineMs });

  function notAcknowledged(cause: unknown, records: number): void {
    unknownTotal.inc();
    log.warn(
      { event: "audit_not_acknowledged", err: cause, records },
      "audit records were not acknowledged by the stream; they are sent again",
    );
  }

  async function publishSealed(lease: Lease): Promise<number> {
    const { rows } = await lease.query<{ arrival: string; event: string }>(
      `select arrival, event::text as event
         from audit_log
        where arrival > coalesce((select position from relay_cursors where name = $1), 0)
        order by arrival
        limit $2`,
      [CURSOR, batchSize],
    );
    const last = rows.at(-1);
    if (last === undefined) return 0;
    await publishSurely(
      rows.map((row) => auditRecord(topic, row.event, `audit_log row ${row.arrival}`)),
      lease.signal,
    );
    await lease.query(
      `insert into relay_cursors (name, position) values ($1, $2)
           on conflict (name) do update set position = greatest(relay_cursors.position, excluded.position)`,
      [CURSOR, last.arrival],
    );
    publishedTotal.inc({ kind: "sealed" }, rows.length);
    return rows.length;
  }

  async function publishDecisions(lease: Lease): Promise<number> {
    const { rows } = await lease.query<{ id: string; event: string }>(
      "select id, event::text as event from republish order by id limit $1",
      [batchSize],
    );
    if (rows.length === 0) return 0;
    await publishSurely(
      rows.map((row) => auditRecord(topic, row.event, `republish row ${row.id}`)),
      lease.signal,
    );
    await lease.query("delete from republish where id = any ($1::bigint[])", [rows.map((row) => row.id)]);
    publishedTotal.inc({ kind: "decision" }, rows.length);
    return rows.length;
  }

  async function measureAge(lease: Lease): Promise<void> {
    const { rows } = await lease.query<{ seconds: number | null }>(
      `select extract(epoch from clock_timestamp() - least(
                (select created_at from outbox order by id limit 1),
                (select sealed_at from audit_log
                  where arrival > coalesce((select position from relay_cursors where name = $1), 0)
                  order by arrival limit 1)))::float8 as seconds`,
      [CURSOR],
    );
    oldestSeconds.set(rows[0]?.seconds ?? 0);
  }

  async function term(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      await measureAge(lease);
      const sealed = await publishSealed(lease);
      const decisions = await publishDecisions(lease);
      if (sealed < batchSize && decisions < batchSize) await wakeup.next(lease.signal);
    }
  }

  return { run: (signal) => leadership.run(term, signal) };
}
