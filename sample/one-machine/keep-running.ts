/** What ends by itself is started again: the programs of the set, and its database when that is ours. */
import { setTimeout as sleep } from "node:timers/promises";
import { EX_CONFIG } from "../../platform/config/exit-code.ts";
import { CannotStart } from "../../platform/lifecycle/cannot-start.ts";

export type Kept = {
  readonly name: string;
  readonly isRunning: () => boolean;
  readonly start: () => Promise<void>;
  /** The end of what it said, or where that stands. */
  readonly tail: () => Promise<string>;
};

/** How often something may end within a minute, or not start, before it is given up. */
const MAX_ENDS = 5;
const LOOK_EVERY_MS = 250;

type Said = { readonly kind: "ended" | "ready"; readonly what: string; readonly detail: string };

/** Resolves when `stop` is aborted. @throws when it ends again and again, does not start any more, or cannot (CannotStart). */
export async function keepRunning(kept: Kept, say: (said: Said) => void, stop: AbortSignal): Promise<void> {
  const ends: number[] = [];
  let failedStarts = 0; // one after the other, however long each took
  while (!stop.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted || kept.isRunning()) continue;
    const now = performance.now();
    ends.push(now);
    const tail = await kept.tail();
    if (stop.aborted) break; // it was ended, and nothing ends what would be started now
    say({ kind: "ended", what: kept.name, detail: tail });
    if (failedStarts >= MAX_ENDS) throw new Error(`${kept.name} does not start any more`);
    if (ends.filter((at) => now - at < 60_000).length > MAX_ENDS) throw new Error(`${kept.name} ends again and again`);
    await kept.start().then(
      () => {
        failedStarts = 0;
        if (!stop.aborted) say({ kind: "ready", what: kept.name, detail: "again" });
      },
      (error: unknown) => {
        // What has to be changed first does not come by itself; meanwhile the rest would go on as if it were there.
        if (error instanceof CannotStart && error.exitCode === EX_CONFIG) throw error;
        failedStarts += 1;
        if (!stop.aborted) say({ kind: "ended", what: kept.name, detail: String(error) });
      },
    );
  }
}
