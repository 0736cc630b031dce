/**
 * An evaluation with `context.approval` (Access Request profile, draft 1, "Approval and Re-evaluation"). The named approval decides nothing: the
 * decision path has already looked for a live grant under the current policy. It is read only after a denial, to say why it did not help and what
 * to do next:
 *
 *     used up, expired or revoked → approval_expired, request  for something else → out_of_scope, request
 *     not arrived yet → grant_pending, retry                   cannot be found → approval_unverifiable, none
 *     begins later → grant_pending, retry once it has begun
 *     with a `state` → approval_unverifiable, none: we never issue one, so it comes from elsewhere
 *     denied by policy → its reason, none                      no decision could be made → its reason, retry
 *
 * `request` is given only together with an `access_request`; otherwise `none`.
 */
import type { Decision } from "../../../core/domain/decision.ts";
import { isId } from "../../../core/domain/id.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { type Instant, parseRfc3339 } from "../../../core/domain/time.ts";
import type { Answered } from "../api/ports.ts";
import type { GrantLookup } from "./ports.ts";
import { unjudged } from "./unjudged.ts";

/** A grant made longer ago has arrived, or does not exist: state is at most some seconds behind. */
const PENDING_MS = 60_000;
const RETRY_S = 1;

type Next = {
  readonly reason?: string;
  readonly next_action: "request" | "retry" | "none";
  readonly retry_after?: number;
};
type Approval = {
  readonly id: string | undefined;
  readonly until: Instant | undefined;
  /** Whether it came with a `state`, whatever that is. */
  readonly hasState: boolean;
};

/** What `context.approval` of a body names; undefined when there is none. */
export function readApproval(context: { readonly [name: string]: unknown } | undefined): Approval | undefined {
  const approval = context?.["approval"];
  if (approval === undefined) return undefined;
  const members = new Map<string, unknown>(Object.entries(Object(approval)));
  const id = members.get("id");
  return {
    id: typeof id === "string" ? id : undefined,
    until: timeIn(members.get("approved_until")),
    hasState: members.has("state"),
  };
}

/** Members for the context of a denial. */
export function nextAction(
  approval: Approval,
  { decision, subject, time }: Pick<Answered, "decision" | "subject" | "time">,
  { grants, isRequestable }: { readonly grants: GrantLookup; readonly isRequestable: boolean },
): { readonly [name: string]: Json } {
  const next = decision.kind === "needs_approval" ? afterMiss(decision) : afterDenial(decision);
  return next.next_action === "request" && !isRequestable ? { ...next, next_action: "none" } : next;

  function afterMiss({
    grantReason,
    grantBegins,
    tooManyDenials,
  }: Extract<Decision, { kind: "needs_approval" }>): Next {
    if (tooManyDenials !== undefined) return { next_action: "retry" };
    if (approval.hasState) return UNVERIFIABLE;
    switch (grantReason) {
      case "spent":
      case "expired":
      case "revoked":
        return { reason: "approval_expired", next_action: "request" };
      case "outside":
        return { reason: "out_of_scope", next_action: "request" };
      case "use_by_enforce":
        return { next_action: "none" };
      case "not_yet_active":
        // It may be another one than the named one, which has ended.
        return withoutGrant({ reason: "approval_expired", next_action: "request" }, grantBegins);
      case undefined:
        return withoutGrant({ reason: "out_of_scope", next_action: "request" });
    }
  }

  /** No known grant is near: it is for something else altogether, or not known here (yet). */
  function withoutGrant(ifEnded: Next, begins?: Instant): Next {
    if (approval.until !== undefined && approval.until <= time)
      return { reason: "approval_expired", next_action: "request" };
    if (subject === undefined || approval.id === undefined || !isId("grant", approval.id)) return UNVERIFIABLE;
    switch (grants.standing(subject, approval.id)) {
      case "ended":
        return ifEnded;
      case "known":
        return { reason: "out_of_scope", next_action: "request" };
      case "not_yet":
        return begins === undefined ? PENDING : { ...PENDING, retry_after: secondsUntil(begins) };
      case "unknown":
        return Math.abs(time - madeAt(approval.id)) <= PENDING_MS ? PENDING : UNVERIFIABLE;
    }
  }

  function secondsUntil(begins: Instant): number {
    return Math.max(RETRY_S, Math.ceil((begins - time) / 1_000));
  }
}

const PENDING: Next = { reason: "grant_pending", next_action: "retry", retry_after: RETRY_S };
const UNVERIFIABLE: Next = { reason: "approval_unverifiable", next_action: "none" };

function afterDenial(decision: Exclude<Decision, { kind: "needs_approval" }>): Next {
  const mayPass = decision.kind === "deny" && unjudged(decision.reason) === 503;
  return mayPass ? { next_action: "retry", retry_after: RETRY_S } : { next_action: "none" };
}

/** Of a UUID version 7. */
function madeAt(id: string): number {
  return Number.parseInt(id.replace("-", "").slice(0, 12), 16);
}

function timeIn(value: unknown): Instant | undefined {
  try {
    return typeof value === "string" ? parseRfc3339(value) : undefined;
  } catch {
    return undefined;
  }
}
