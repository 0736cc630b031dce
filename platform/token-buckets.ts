/** A token bucket per key: how often somebody may do something. Time is a parameter; memory is bounded. */

export type TokenBuckets = {
  /** Takes one token, or says in how many milliseconds there will be one. */
  take(
    key: string,
    nowMs: number,
  ): { readonly kind: "taken" } | { readonly kind: "empty"; readonly retryAfterMs: number };
};

type Bucket = { tokens: number; at: number };

/** A key that was forgotten starts full: that many at once are limited by other means. */
const MAX_KEYS = 100_000;

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
    take(key, nowMs) {
      const known = buckets.get(key);
      const elapsedMs = known === undefined ? 0 : Math.max(0, nowMs - known.at);
      const tokens = known === undefined ? burst : Math.min(burst, known.tokens + elapsedMs / refillMs);
      buckets.delete(key); // the most recently used ones stay
      buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: nowMs });
      const oldest = buckets.size > MAX_KEYS ? buckets.keys().next().value : undefined;
      if (oldest !== undefined) buckets.delete(oldest);
      return tokens >= 1 ? { kind: "taken" } : { kind: "empty", retryAfterMs: Math.ceil((1 - tokens) * refillMs) };
    },
  };
}
