/**
 * Translates `countersign.v1.DecisionService` messages in both directions. Only what core/domain/decision.ts made as an allow is OUTCOME_ALLOW.
 */
import { deny, type Decision, isAllow, shownRules } from "../../../../core/domain/decision.ts";
import { faultIn } from "../../../../core/domain/json-fault.ts";
import type { Question } from "../../../../core/domain/question.ts";
import { type EvaluateRequest, type EvaluateResponse, Outcome } from "../../../../proto/gen/countersign/v1/decision.ts";
import type { Answered } from "../../api/ports.ts";
import { type Read, readQuestion } from "../question.ts";

/** The same rules as for a body of AuthZEN: a Struct is JSON. */
export function questionFrom(request: EvaluateRequest): Read<Question> {
  const { subject, action, resource, context } = request;
  const fault = faultIn(request);
  if (fault !== undefined) return { kind: "refused", why: fault };
  return readQuestion({
    ...(subject === undefined ? {} : { subject: entityFrom(subject) }),
    ...(action === undefined ? {} : { action: entityFrom(action) }),
    ...(resource === undefined ? {} : { resource: entityFrom(resource) }),
    ...(context === undefined ? {} : { context }),
  });
}

function entityFrom({ properties, ...names }: { readonly properties?: unknown }): object {
  return properties === undefined ? names : { ...names, properties };
}

const NOTHING: EvaluateResponse = {
  outcome: Outcome.OUTCOME_DENY,
  decisionId: "",
  reason: "",
  rules: [],
  policyRevision: "",
  grantReason: "",
  grantBeginsAt: undefined,
  elevations: [],
  denial: undefined,
  grantId: "",
};

/** An evaluation of a batch that was not made. */
export const NOT_EVALUATED: EvaluateResponse = { ...NOTHING, reason: "request_parse_error" };

/** One for which no time was left. */
export const TOO_LATE: EvaluateResponse = { ...NOTHING, reason: "deadline_exceeded" };

export function responseOf({ decision, evaluation, policyRevision }: Answered): EvaluateResponse {
  return {
    ...NOTHING,
    decisionId: evaluation.decisionId,
    policyRevision: policyRevision ?? "",
    ...outcomeOf(decision),
  };
}

function outcomeOf(decision: Decision): Partial<EvaluateResponse> {
  switch (decision.kind) {
    case "deny":
      return { reason: decision.reason, rules: [...shownRules(decision)] };
    case "needs_approval": {
      const { elevations, denial, tooManyDenials, grantReason, grantBegins } = decision;
      return {
        outcome: Outcome.OUTCOME_NEEDS_APPROVAL,
        reason: tooManyDenials === undefined ? "approval_required" : "too_many_denials",
        grantReason: grantReason ?? "",
        grantBeginsAt: grantBegins === undefined ? undefined : new Date(grantBegins),
        elevations: elevations.map(({ entitlement, scope, title, approversHint = "" }) => ({
          entitlement,
          scope,
          title,
          approversHint,
        })),
        denial: denial && { id: denial.id, expiresAt: new Date(denial.expiresAt) },
      };
    }
    case "allow":
      if (!isAllow(decision)) return outcomeOf(deny("internal_error"));
      return {
        outcome: Outcome.OUTCOME_ALLOW,
        rules: [...decision.reasons],
        grantId: decision.by.kind === "grant" ? decision.by.grant.id : "",
      };
  }
}
