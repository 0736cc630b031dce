/** Runs the sweep command (commands/sweep.ts) every few seconds, and again at once if there is more, in one process at a time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Leadership, Lease } from "../../platform/postgres/leadership.ts";
import { ping } from "../../platform/postgres/ping.ts";

interface Sweeper {
  /** Sweeps whenever it leads, until the signal aborts. A sweep that fails is logged by the leadership and tried again. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSweeper(
  {
    leadership,
    sweep,
  }: { readonly leadership: Leadership; readonly sweep: () => Promise<{ readonly isMore: boolean }> },
  { intervalMs = 2_000 }: { readonly intervalMs?: number } = {},
): Sweeper {
  async function term(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      await ping(lease); // a session that is gone no longer holds the lock
      const { isMore } = await sweep();
      if (!isMore) await sleep(intervalMs, undefined, { signal: lease.signal }).catch(() => {});
    }
  }

  return { run: (signal) => leadership.run(term, signal) };
}
