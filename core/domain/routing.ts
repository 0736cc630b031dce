/**
 * The result of `data.countersign.approval.route`, parsed: people who have to approve, an immediate decision, or nothing that could be acted on.
 * Beside the requirement, a policy says how long to wait, what may be granted at most, and who is notified.
 */
import type { MaxUses } from "./elevation.ts";
import { isAtMost, type Terms } from "./narrowing.ts";
import type { Requirement } from "./requirement.ts";
import { type DurationMs, durationMs } from "./time.ts";

/**
 * The most that a request can leave behind, whatever was asked and whoever approves. It only takes away: a limit above what
 * was asked has no effect.
 */
export type Limits = { readonly maxUses: MaxUses | undefined; readonly maxDuration: DurationMs | undefined };

/** Who is notified when nobody has decided for this long. NB: only notified; waiting never widens who may approve. */
type Escalation = { readonly after: DurationMs; readonly notify: readonly string[] };

export type Routing =
  | {
      readonly kind: "people";
      readonly requirement: Requirement;
      readonly expiresIn: DurationMs;
      readonly limits: Limits | undefined;
      /** Names that the receiver of notifications understands, such as a channel. */
      readonly notify: readonly string[];
      readonly escalation: Escalation | undefined;
    }
  | {
      readonly kind: "automatic";
      readonly decision: "approve" | "deny";
      readonly reason: string;
      readonly limits: Limits | undefined;
    }
  | { readonly kind: "failed"; readonly detail: string };

/** With the revision of the policy that was asked: the approval service may have another than the decision service that denied. */
export type Routed = Routing & { readonly revision: string | undefined };

/** How long a request waits for people when routing does not say. */
export const REQUEST_LIFETIME: DurationMs = durationMs(24 * 3_600_000);
/** The longest that routing can say. What was asked longer ago is no longer what the requester is about to do. */
export const MAX_REQUEST_LIFETIME: DurationMs = durationMs(7 * 24 * 3_600_000);

/** `terms`, or less where a limit says so. */
export function within<T extends Terms>(terms: T, limits: Limits | undefined): T {
  const { maxUses, maxDuration } = limits ?? { maxUses: undefined, maxDuration: undefined };
  return {
    ...terms,
    maxUses: maxUses === undefined || isAtMost(terms.maxUses, maxUses) ? terms.maxUses : maxUses,
    duration: maxDuration === undefined || terms.duration <= maxDuration ? terms.duration : maxDuration,
  };
}
