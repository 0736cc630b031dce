/** A token bucket per subject: how often somebody may mint a new denial. Time is a parameter; memory is bounded. */
import type { Instant } from "../../../core/domain/time.ts";

export type TokenBuckets = {
  /** Takes one token, or says in how many milliseconds there will be one. */
  take(
    key: string,
    now: Instant,
  ): { readonly kind: "taken" } | { readonly kind: "empty"; readonly retryAfterMs: number };
};

type Bucket = { tokens: number; at: Instant };

/** A subject that was forgotten starts full: that many subjects at once are limited by other means. */
const MAX_SUBJECTS = 100_000;

export function createTokenBuckets({
  burst,
  refillMs,
}: {
  readonly burst: number;
  /** One token per so many milliseconds. */
  readonly refillMs: number;
}): TokenBuckets {
  const buckets = new Map<string, Bucket>();
  return {
    take(key, now) {
      const known = buckets.get(key);
      const elapsedMs = known === undefined ? 0 : Math.max(0, now - known.at);
      const tokens = known === undefined ? burst : Math.min(burst, known.tokens + elapsedMs / refillMs);
      buckets.delete(key); // the most recently used ones stay
      buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
      const oldest = buckets.size > MAX_SUBJECTS ? buckets.keys().next().value : undefined;
      if (oldest !== undefined) buckets.delete(oldest);
      return tokens >= 1 ? { kind: "taken" } : { kind: "empty", retryAfterMs: Math.ceil((1 - tokens) * refillMs) };
    },
  };
}
