/**
 * A decision in the terms of AuthZEN 1.0: `decision`, and for a denial the reason in `context`. There is no third outcome on the wire: what needs
 * approval is a denial with reason `approval_required`. If it was enforced, `denial` says in our words what can be submitted and where, and
 * `access_request` in those of the profile. Only what core/domain/decision.ts made as an allow is true.
 */
import { type Allow, isAllow, type NeedsApproval, shownRules } from "../../../core/domain/decision.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import { elevationToWire } from "../../../core/messages/elevation-record.ts";
import type { Answered } from "../api/ports.ts";
import type { GrantLookup } from "./ports.ts";
import type { AccessRequests } from "./access-request.ts";
import { nextAction, type readApproval } from "./reevaluation.ts";

export type DecisionShown = { readonly decision: boolean; readonly context?: { readonly [name: string]: Json } };

export type AnswerParts = {
  /** Where a denial is submitted, as requesters know it. */
  readonly requestUrl: string | undefined;
  /** Undefined where no endpoint takes access requests. */
  readonly accessRequests: AccessRequests | undefined;
  readonly grants: GrantLookup;
};

/** `approval`: what the question named in `context.approval`. */
export function shownDecision(
  answered: Answered,
  parts: AnswerParts,
  approval?: ReturnType<typeof readApproval>,
): DecisionShown {
  const { decision, evaluation, time } = answered;
  const about = { evaluation_id: evaluation.decisionId, evaluated_at: rfc3339(time) };
  const next = (isRequestable: boolean) =>
    approval === undefined ? {} : nextAction(approval, answered, { grants: parts.grants, isRequestable });
  switch (decision.kind) {
    case "deny": {
      const rules = shownRules(decision);
      const named = rules.length === 0 ? {} : { rules };
      return { decision: false, context: { reason: decision.reason, ...named, ...about, ...next(false) } };
    }
    case "needs_approval": {
      const { denial, elevations } = decision;
      const { question } = evaluation;
      const isBound = denial !== undefined && question !== undefined;
      const offer = isBound ? parts.accessRequests?.offer(denial, question, elevations, time) : undefined;
      const requestable = offer === undefined ? {} : { access_request: offer };
      // NB: a denial can be submitted, a decision cannot; and the denial's id stays the same while it can be submitted.
      const named = denial === undefined ? about : { ...about, evaluation_id: denial.id };
      const context = { ...shownNeed(decision, parts), ...requestable, ...named, ...next(offer !== undefined) };
      return { decision: false, context };
    }
    case "allow":
      if (!isAllow(decision)) return { decision: false, context: { reason: "internal_error", ...about } };
      return { decision: true, ...shownApproval(decision.by) };
  }
}

/** The grant that allowed it, and until when it lasts. */
function shownApproval(by: Allow["by"]): Pick<DecisionShown, "context"> {
  if (by.kind !== "grant") return {};
  return { context: { approval: { id: by.grant.id, approved_until: rfc3339(by.grant.expiresAt) } } };
}

function shownNeed(
  { denial, elevations, tooManyDenials, grantReason, grantBegins }: NeedsApproval,
  { requestUrl }: Pick<AnswerParts, "requestUrl">,
): { readonly [name: string]: Json } {
  const begins = grantBegins === undefined ? {} : { grant_begins_at: rfc3339(grantBegins) };
  const grant = grantReason === undefined ? {} : { grant_reason: grantReason, ...begins };
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

/** In a batch a plain denial is only its decision, as the interoperability scenario expects. */
export function shownItem(answered: Answered, parts: AnswerParts): DecisionShown {
  return answered.decision.kind === "deny" ? { decision: false } : shownDecision(answered, parts);
}

/** An item of a batch that was not evaluated. */
export function refusedItem(message: string, status = 400): DecisionShown {
  return { decision: false, context: { error: { status, message } } };
}
