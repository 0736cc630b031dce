/**
 * A decision as AuthZEN 1.0 says it: `decision` alone, and of a denial why in `context`. There is no third outcome on the
 * wire: what needs approval is a denial, its reason `approval_required` (Access Request profile, draft 1). Only what
 * core/domain/decision.ts made as an allow is true. Rule names are meant to be read; details of a fault are for the log.
 */
import { isAllow } from "../../../core/domain/decision.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import type { Answered } from "../ports.ts";

export type DecisionShown = { readonly decision: boolean; readonly context?: { readonly [name: string]: Json } };

export function shownDecision(answered: Answered): DecisionShown {
  const { decision, evaluation, time } = answered;
  const about = { evaluation_id: evaluation.decisionId, evaluated_at: rfc3339(time) };
  switch (decision.kind) {
    case "deny": {
      const rules = decision.reason === "policy_denied" ? { rules: decision.reasons } : {};
      return { decision: false, context: { reason: decision.reason, ...rules, ...about } };
    }
    case "needs_approval": {
      const grant = decision.grantReason === undefined ? {} : { grant_reason: decision.grantReason };
      return { decision: false, context: { reason: "approval_required", ...grant, ...about } };
    }
    case "allow":
      if (isAllow(decision)) return { decision: true };
      return { decision: false, context: { reason: "internal_error", ...about } };
  }
}

/** In a batch a plain denial is its decision and no more, as the scenario of the interoperability tests compares it. */
export function shownItem(answered: Answered): DecisionShown {
  return answered.decision.kind === "deny" ? { decision: false } : shownDecision(answered);
}

/** An item of a batch that was not evaluated. */
export function refusedItem(message: string): DecisionShown {
  return { decision: false, context: { error: { status: 400, message } } };
}
