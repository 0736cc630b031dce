/** Splits long work into pieces, between which whatever else waits for the event loop gets its turn. */
import { setImmediate } from "node:timers/promises";

/** Call it between two pieces: it waits only when the last pause is longer ago than `afterMs`. */
export function createPause(afterMs: number): () => Promise<void> {
  let begun = performance.now();
  return async () => {
    if (performance.now() - begun < afterMs) return;
    await setImmediate();
    begun = performance.now();
  };
}
