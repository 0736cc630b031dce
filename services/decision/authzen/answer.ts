/**
 * A decision as AuthZEN 1.0 says it: `decision` alone, and of a denial why in `context`. There is no third outcome on the
 * wire: what needs approval is a denial, its reason `approval_required`. Where it was enforced, `denial` says what can be
 * submitted and where. Only what core/domain/decision.ts made as an allow is true. Rule names are meant to be read; details
 * of a fault are for the log.
 */
import { isAllow, type NeedsApproval } from "../../../core/domain/decision.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import { elevationToWire } from "../../../core/messages/elevation-record.ts";
import type { Answered } from "../ports.ts";

export type DecisionShown = { readonly decision: boolean; readonly context?: { readonly [name: string]: Json } };

export type ShownWhere = {
  /** Where a denial is submitted, as requesters know it. */
  readonly requestUrl: string | undefined;
};

export function shownDecision(answered: Answered, where: ShownWhere): DecisionShown {
  const { decision, evaluation, time } = answered;
  const about = { evaluation_id: evaluation.decisionId, evaluated_at: rfc3339(time) };
  switch (decision.kind) {
    case "deny": {
      const rules = decision.reason === "policy_denied" ? { rules: decision.reasons } : {};
      return { decision: false, context: { reason: decision.reason, ...rules, ...about } };
    }
    case "needs_approval": {
      const { denial } = decision;
      // NB: a denial can be asked about, a decision cannot: its id is the one that stays the same while it can be submitted.
      const named = denial === undefined ? about : { ...about, evaluation_id: denial.id };
      return { decision: false, context: { ...shownNeed(decision, where), ...named } };
    }
    case "allow":
      if (isAllow(decision)) return { decision: true };
      return { decision: false, context: { reason: "internal_error", ...about } };
  }
}

function shownNeed(
  { denial, elevations, tooManyDenials, grantReason }: NeedsApproval,
  { requestUrl }: ShownWhere,
): { readonly [name: string]: Json } {
  const grant = grantReason === undefined ? {} : { grant_reason: grantReason };
  if (tooManyDenials !== undefined) {
    const seconds = Math.max(1, Math.ceil(tooManyDenials.retryAfterMs / 1_000));
    return { reason: "too_many_denials", retry_after: seconds, ...grant };
  }
  if (denial === undefined) return { reason: "approval_required", ...grant };
  const submitted = {
    id: denial.id,
    expires_at: rfc3339(denial.expiresAt),
    ...(requestUrl === undefined ? {} : { request_url: requestUrl }),
    elevations: elevations.map(elevationToWire),
  };
  return { reason: "approval_required", ...grant, denial: submitted };
}

/** In a batch a plain denial is its decision and no more, as the scenario of the interoperability tests compares it. */
export function shownItem(answered: Answered, where: ShownWhere): DecisionShown {
  return answered.decision.kind === "deny" ? { decision: false } : shownDecision(answered, where);
}

/** An item of a batch that was not evaluated. */
export function refusedItem(message: string): DecisionShown {
  return { decision: false, context: { error: { status: 400, message } } };
}
