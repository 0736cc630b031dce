/**
 * Verifies each token once: outcomes are cached under the whole token text (not a digest, so nothing can collide), bounded by count and bytes.
 * Refusals have a small cache of their own, so a flood of bad tokens evicts no good ones.
 *
 * A refused token is remembered when it is refused a second time, so one that is repeated is verified twice: of a flood in which each is another, nothing
 * may be kept. What is kept for a second is moved to the heap that only a mark-compact collects, and is dead by then: whoever shows a good token waits
 * for it. For the same reason outcomes that no longer hold are forgotten as others come, and not only when there is no room.
 *
 * An entry holds while the issuer's key set is the very one it was verified with, while the outcome could not have changed (validity with
 * tolerance), and for at most 60 s. A signature does not age, so the 60 s are not needed for correctness: they bound what a clock set back, or a
 * mistake in this file, can do, and cost one verification (about 0.1 ms) per token and minute. An entry from the future (clock set back) does not
 * count.
 */
import type { Caller } from "../domain/subject.ts";
import type { Instant } from "../domain/time.ts";
import { createBoundedLru } from "./bounded-lru.ts";
import { MAX_TOKEN_BYTES } from "./compact-jwt.ts";
import { createSeenBefore } from "./seen-before.ts";
import type { KeySetReader, Verification, VerifyToken } from "./verify-token.ts";

export const TOKEN_CACHE_MS = 60_000;
/** An estimate: an entry holds the token and its parsed claims, and objects cost more than text. */
const BYTES_PER_TOKEN_CHAR = 4;
const BYTES_PER_ENTRY = 512;
/** Of each cache at each verification, which adds one at most: little beside a signature, and a full cache that is over is gone after some thousand. */
const MOST_FORGOTTEN = 16;

export interface TokenCache {
  /** Never throws. */
  verify(token: string, now: Instant): Caller;
  /** What `verify` says where it has nothing to verify. */
  known(token: string, now: Instant): Caller | undefined;
  /** For metrics. */
  size(): { readonly accepted: CacheSize; readonly refused: CacheSize };
}

type CacheSize = { readonly entries: number; readonly bytes: number };

type Entry = { readonly verification: Verification; readonly storedAt: number };

export function createTokenCache(
  deps: { readonly verify: VerifyToken; readonly keySets: Pick<KeySetReader, "current"> },
  options: { readonly accepted?: Limits; readonly refused?: Limits } = {},
): TokenCache {
  const accepted = createBoundedLru<Entry>(options.accepted ?? { maxEntries: 20_000, maxBytes: 64 * 1024 * 1024 });
  const refused = createBoundedLru<Entry>(options.refused ?? { maxEntries: 2_000, maxBytes: 4 * 1024 * 1024 });

  const holds = ({ verification, storedAt }: Entry, now: Instant) => {
    const { keys, validUntil } = verification;
    if (now < storedAt || now >= Math.min(storedAt + TOKEN_CACHE_MS, validUntil)) return false;
    return keys === undefined || deps.keySets.current(keys.issuer, now) === keys.keySet;
  };

  const seenBefore = createSeenBefore();

  const known = (token: string, now: Instant): Caller | undefined => {
    if (token.length > MAX_TOKEN_BYTES) return { kind: "refused", reason: "credential_malformed" };
    for (const cache of [accepted, refused]) {
      const entry = cache.get(token);
      if (entry === undefined) continue;
      if (holds(entry, now)) return entry.verification.caller;
      cache.delete(token);
    }
    return undefined;
  };

  return {
    verify(token, now) {
      const caller = known(token, now);
      if (caller !== undefined) return caller;
      for (const cache of [accepted, refused]) cache.forgetOver((entry) => !holds(entry, now), MOST_FORGOTTEN);
      const verification = deps.verify(token, now);
      const isAccepted = verification.caller.kind === "subject";
      if (verification.validUntil > now && (isAccepted || seenBefore(token))) {
        const cache = isAccepted ? accepted : refused;
        cache.set(token, { verification, storedAt: now }, token.length * BYTES_PER_TOKEN_CHAR + BYTES_PER_ENTRY);
      }
      return verification.caller;
    },
    known,
    size: () => ({ accepted: accepted.size(), refused: refused.size() }),
  };
}

type Limits = { readonly maxEntries: number; readonly maxBytes: number };
