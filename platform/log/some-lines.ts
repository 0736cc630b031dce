/** Limits the lines of an event that may occur without end: a server that is down must not fill a disk. */
import { createTokenBuckets } from "../token-buckets.ts";

/** Lines at once, and one more after each so many milliseconds. */
type Rate = { readonly burst: number; readonly refillMs: number };

const RATE: Rate = { burst: 10, refillMs: 6_000 };

/** How many were left out before the line that may be written now; undefined: it is left out too. */
export type SomeLines = () => number | undefined;

export function createSomeLines({ monotonicMs }: { readonly monotonicMs: () => number }, rate = RATE): SomeLines {
  const buckets = createTokenBuckets(rate);
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
