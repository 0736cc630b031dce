/**
 * Whether a decision service may be asked (rule 7). It needs an active policy and the keys of every issuer (for both, the last good ones from
 * disk will do), and everything that was on the state topic when it started; or it must have waited for that long enough, since decisions without
 * grants do not need it. The same holds for an issuer whose keys cannot be fetched: after waiting long enough the others are served, and its
 * tokens are refused.
 *
 * Stale state does not make it unready but degraded: freshness.ts is asked again for each request, grants are ignored meanwhile, an elevation is
 * answered `grants_stale`, and nothing is opened.
 */
import type { Freshness, StaleReason } from "./freshness.ts";

/** How far the state topic has been read. */
export type StateRead = "reading" | "read_to_end" | "gave_up_waiting";

/** `toEnd`: to the end that was captured at the start. */
export function stateRead(
  { toEnd, waitedMs }: { readonly toEnd: boolean; readonly waitedMs: number },
  waitAtMostMs: number,
): StateRead {
  if (toEnd) return "read_to_end";
  return waitedMs >= waitAtMostMs ? "gave_up_waiting" : "reading";
}

/** Of issuers, and not older than they may be. `of_others`: one that has none was waited for, and somebody can be known without it. */
export type KeysKnown = "of_everyone" | "of_others" | "lacking";

export type Known = {
  readonly hasPolicy: boolean;
  readonly keys: KeysKnown;
  readonly state: StateRead;
  readonly grants: Freshness;
};

export type Readiness =
  | { readonly kind: "not_ready"; readonly lacks: readonly ("policy" | "keys" | "state")[] }
  | { readonly kind: "degraded"; readonly why: StaleReason | "keys" }
  | { readonly kind: "ready" };

export function readiness({ hasPolicy, keys, state, grants }: Known): Readiness {
  const lacks = [
    ...(hasPolicy ? [] : ["policy" as const]),
    ...(keys === "lacking" ? ["keys" as const] : []),
    ...(state === "reading" ? ["state" as const] : []),
  ];
  if (lacks.length > 0) return { kind: "not_ready", lacks };
  if (grants.kind === "stale") return { kind: "degraded", why: grants.why };
  return keys === "of_others" ? { kind: "degraded", why: "keys" } : { kind: "ready" };
}
