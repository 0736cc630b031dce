/**
 * Keeps the topics of the event stream small: retention by age, and compaction to the latest record of each key. Every process offers to do it
 * and one at a time does; the database decides what may go, so a second cleaner would only be waste.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log/log.ts";
import { createLeadership, type Lease } from "../postgres/leadership.ts";
import type { Database } from "../postgres/pool.ts";

/** Offsets per transaction: far below the statement timeout, and never long in a publisher's way. */
const STEP = 10_000;

export function startPostgresCleaner(
  { database, log }: { readonly database: Pick<Database, "openSession">; readonly log: Log },
  { cleanEveryMs }: { readonly cleanEveryMs: number },
): { close(): Promise<void> } {
  const stop = new AbortController();
  const leadership = createLeadership({ database, log }, { lockName: "event_stream cleaning" });

  async function term(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      const { rows } = await lease.query<{ topic: string; partitions: number }>(
        "select topic, partitions from event_stream.list_topics()",
      );
      for (const { topic, partitions } of rows) {
        for (let partition = 0; partition < partitions; partition += 1) {
          while (!lease.signal.aborted && (await cleanStep(lease, topic, partition)));
        }
      }
      await sleep(cleanEveryMs, undefined, { signal: lease.signal });
    }
  }

  const running = leadership.run(term, stop.signal);
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** True while there may be more to remove. */
async function cleanStep(lease: Lease, topic: string, partition: number): Promise<boolean> {
  const { rows } = await lease.query<{ more: boolean }>("select event_stream.clean($1, $2, $3) as more", [
    topic,
    partition,
    STEP,
  ]);
  return rows[0]?.more === true;
}
