/**
 * What waits in the database, as metrics: asked at each scrape, since every process sees the same rows and counting along would differ
 * after a restart. A database that does not answer leaves the gauges without a value, which tells more than the last one.
 */
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

type Row = { queue: string; count: string; oldest_s: number | null };

/** Depth and age of each queue. The age of a republished decision is that of its record: the table has no time of its own. */
async function backlog(database: Queryable): Promise<readonly Row[]> {
  const { rows } = await database.query<Row>(
    `select 'outbox' as queue, count(*) as count,
            extract(epoch from clock_timestamp() - min(created_at))::float8 as oldest_s
       from outbox
     union all
     select 'republish', count(*), extract(epoch from clock_timestamp() - min((event->>'time')::timestamptz))::float8
       from republish
     union all
     select 'quarantine', count(*), extract(epoch from clock_timestamp() - min(quarantined_at))::float8
       from quarantine where replayed_at is null and dismissed_at is null
     union all
     select 'notifications', count(*), extract(epoch from clock_timestamp() - min(created_at))::float8
       from notifications where delivered_at is null`,
  );
  return rows;
}

/** Of the records that were set aside and not taken since. */
async function quarantinedBytes(database: Queryable): Promise<readonly { topic: string; bytes: string }[]> {
  const { rows } = await database.query<{ topic: string; bytes: string }>(
    `select topic, coalesce(sum(octet_length(record_value)), 0) as bytes
       from quarantine where replayed_at is null and dismissed_at is null group by topic`,
  );
  return rows;
}

export function exposeBacklog({
  database,
  metrics,
}: {
  readonly database: Queryable;
  readonly metrics: Metrics;
}): void {
  metrics.gauge("backlog_rows", "rows that wait, by queue", ["queue"], async (gauge) => {
    gauge.reset();
    for (const { queue, count } of await backlog(database)) gauge.set({ queue }, Number(count));
  });
  metrics.gauge("quarantine_bytes", "size of the records that are set aside", ["topic"], async (gauge) => {
    gauge.reset();
    for (const { topic, bytes } of await quarantinedBytes(database)) gauge.set({ topic }, Number(bytes));
  });
  metrics.gauge(
    "backlog_oldest_seconds",
    "age of the oldest row that waits, 0 when none does",
    ["queue"],
    async (gauge) => {
      gauge.reset();
      for (const { queue, oldest_s: seconds } of await backlog(database)) gauge.set({ queue }, seconds ?? 0);
    },
  );
}
