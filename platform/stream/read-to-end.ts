/**
 * Waits until a subscription has handled everything that was in a topic at a given moment: the boot of a view over a compacted topic. It looks at
 * positions, not at records, because the last offsets of a compacted topic may hold none.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EventStream } from "./port.ts";

/** Fine enough that a boot of milliseconds stays one; coarse enough to cost nothing. */
const POLL_MS = 20;

/** True when every partition of `ends` has been handled up to its end; one that is not being read has not. */
function reachedEnds(positions: ReadonlyMap<number, bigint>, ends: ReadonlyMap<number, bigint>): boolean {
  for (const [partition, end] of ends) {
    const position = positions.get(partition);
    if (position === undefined || position < end) return false;
  }
  return true;
}

/** Resolves once `reachedEnds`; rejects with the signal's reason when aborted. */
export async function readToEnd(
  stream: Pick<EventStream, "position">,
  topic: string,
  ends: ReadonlyMap<number, bigint>,
  signal: AbortSignal,
): Promise<void> {
  while (!reachedEnds(stream.position(topic), ends)) await sleep(POLL_MS, undefined, { signal });
}
