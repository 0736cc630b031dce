/** Pauses between attempts: they double up to a ceiling, with jitter so that processes which lost the same server do not return in step. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Backoff {
  /** Waits longer each time; rejects with the signal's reason when aborted. */
  wait(signal?: AbortSignal): Promise<void>;
  /** After a success: the next wait is the shortest again. */
  reset(): void;
}

export function createBackoff({ firstMs, maxMs }: { readonly firstMs: number; readonly maxMs: number }): Backoff {
  let nextMs = firstMs;
  return {
    async wait(signal) {
      const delayMs = nextMs * (0.75 + Math.random() / 2);
      nextMs = Math.min(nextMs * 2, maxMs);
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
    },
    reset() {
      nextMs = firstMs;
    },
  };
}
