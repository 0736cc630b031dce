/**
 * How long the oldest audit event has waited to be published, as a metric. The database is asked at each scrape, by every process, so that it grows
 * while a publish is tried again and while nobody leads. While the database cannot be asked, it is the last answer and the time since, which is the
 * most that it can be: an alert on it fires in the outage of either.
 */
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

export function exposeUnpublishedAge({
  database,
  rows,
  metrics,
  monotonicMs,
}: {
  readonly database: Queryable;
  /** Age of the oldest event that is not published, sealed or not; undefined when there is none. */
  readonly rows: { readonly oldestSeconds: (on: Queryable) => Promise<number | undefined> };
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
}): void {
  let last = { seconds: 0, atMs: monotonicMs() };
  metrics.gauge(
    "audit_oldest_unpublished_seconds",
    "Age of the oldest unpublished audit event, 0 when there is none; while the database does not answer, the most that it can be",
    [],
    async (gauge) => {
      const atMs = monotonicMs();
      gauge.set(last.seconds + (atMs - last.atMs) / 1_000);
      const seconds = (await rows.oldestSeconds(database)) ?? 0;
      last = { seconds, atMs };
      gauge.set(seconds);
    },
  );
}
