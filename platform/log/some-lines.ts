/** Limits the lines of an event that may occur without end: a server that is down must not fill a disk. */
import { createTokenBuckets } from "../token-buckets.ts";

/** Lines at once, and one more after each so many milliseconds. */
const RATE = { burst: 10, refillMs: 6_000 } as const;

/** How many were left out before the line that may be written now; undefined: it is left out too. */
type SomeLines = () => number | undefined;

export function createSomeLines({ monotonicMs }: { readonly monotonicMs: () => number }): SomeLines {
  const buckets = createTokenBuckets(RATE);
  let unlogged = 0;
  return () => {
    if (buckets.take("", monotonicMs()).kind === "empty") {
      unlogged += 1;
      return undefined;
    }
    const before = unlogged;
    unlogged = 0;
    return before;
  };
}
