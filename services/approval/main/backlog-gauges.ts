/**
 * What waits in the database, as metrics: queried at each scrape, since every process sees the same rows and a running count would be wrong after
 * a restart. If the database does not answer, the gauges have no value, which says more than the last one would.
 */
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { backlog, quarantinedBytes } from "../store/backlog.ts";

export function exposeBacklog({
  database,
  metrics,
}: {
  readonly database: Queryable;
  readonly metrics: Metrics;
}): void {
  let asked: ReturnType<typeof backlog> | undefined;
  /** Once for the gauges of a scrape. */
  function waiting(): ReturnType<typeof backlog> {
    asked ??= backlog(database).finally(() => {
      asked = undefined;
    });
    return asked;
  }
  metrics.gauge("backlog_rows", "rows that wait, by queue", ["queue"], async (gauge) => {
    gauge.reset();
    for (const { queue, count } of await waiting()) gauge.set({ queue }, Number(count));
  });
  metrics.gauge("quarantine_bytes", "size of the quarantined records", ["topic"], async (gauge) => {
    gauge.reset();
    for (const { topic, bytes } of await quarantinedBytes(database)) gauge.set({ topic }, Number(bytes));
  });
  metrics.gauge(
    "backlog_oldest_seconds",
    "age of the oldest row that waits, 0 when none does",
    ["queue"],
    async (gauge) => {
      gauge.reset();
      for (const { queue, oldest_s: seconds } of await waiting()) gauge.set({ queue }, seconds ?? 0);
    },
  );
}
