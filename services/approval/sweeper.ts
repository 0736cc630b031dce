/** Runs the sweep command (commands/sweep.ts) every few seconds, and again at once if there is more, in one process at a time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../platform/log/log.ts";
import { createSomeLines, type SomeLines } from "../../platform/log/some-lines.ts";
import type { Leadership, Lease } from "../../platform/postgres/leadership.ts";
import { ping } from "../../platform/postgres/ping.ts";
import type { SweepFault } from "./ports.ts";

interface Sweeper {
  /** Sweeps whenever it leads, until the signal aborts. A part that fails is logged and tried again with the next sweep. */
  run(signal: AbortSignal): Promise<void>;
}

interface SweeperDeps {
  readonly leadership: Leadership;
  readonly sweep: () => Promise<{ readonly isMore: boolean; readonly faults: readonly SweepFault[] }>;
  readonly log: Log;
  readonly monotonicMs: () => number;
}

/** Of each part: once a minute, since a row that cannot be read fails with every sweep until somebody has seen to it. */
const TOLD = { burst: 1, refillMs: 60_000 } as const;

export function createSweeper(
  { leadership, sweep, log, monotonicMs }: SweeperDeps,
  { intervalMs = 2_000 }: { readonly intervalMs?: number } = {},
): Sweeper {
  const lines = new Map<string, SomeLines>();

  /** Also while the other parts have work without end. */
  function tell({ part, error }: SweepFault): void {
    const ofPart = lines.get(part) ?? createSomeLines({ monotonicMs }, TOLD);
    lines.set(part, ofPart);
    const unlogged = ofPart();
    if (unlogged === undefined) return;
    log.error(
      { event: "sweep_failed", err: error, part, unlogged },
      "a part of the sweep failed; the others go on, and it is tried again with the next sweep",
    );
  }

  async function term(lease: Lease): Promise<void> {
    while (!lease.signal.aborted) {
      await ping(lease); // a session that is gone no longer holds the lock
      const { isMore, faults } = await sweep();
      if (faults.length > 0) await ping(lease); // a database that went away is no fault of a part
      faults.forEach(tell);
      if (!isMore) await sleep(intervalMs, undefined, { signal: lease.signal }).catch(() => {});
    }
  }

  return { run: (signal) => leadership.run(term, signal) };
}
