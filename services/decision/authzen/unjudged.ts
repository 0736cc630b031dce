/**
 * Denials that say nothing about the question: the policy or something it depends on failed. NB: as an answer they are a denial like any other;
 * but in a list of what is allowed, a missing name would look like a decision.
 */
import type { DenyReason, PolicyFault, UnavailableReason } from "../../../core/domain/decision.ts";

/** And that what is said of a subject cannot be its claims: it was not judged as anybody. */
const STATUS: Readonly<Record<PolicyFault | UnavailableReason | "credential_claims_invalid", 500 | 503>> = {
  credential_claims_invalid: 500,
  policy_error: 500,
  policy_result_invalid: 500,
  policy_budget_exceeded: 500,
  policy_ask_unanswered: 503,
  policy_suspended: 503,
  policy_conflict: 500,
  display_too_large: 500,
  context_unavailable: 503,
  policy_not_loaded: 503,
  policy_expired: 503,
  request_parse_error: 500,
  grants_stale: 503,
  request_unavailable: 503,
  redemption_unavailable: 503,
  keys_unavailable: 503,
  overloaded: 503,
  deadline_exceeded: 503,
  audit_unavailable: 503,
  internal_error: 500,
};

/** The status of an error, or undefined for a denial that is one. */
export function unjudged(reason: DenyReason): 500 | 503 | undefined {
  return isFault(reason) ? STATUS[reason] : undefined;
}

function isFault(reason: DenyReason): reason is keyof typeof STATUS {
  return Object.hasOwn(STATUS, reason);
}
