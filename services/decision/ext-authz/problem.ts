/**
 * The HTTP answer to each denial: one table from reason to status, title, detail and `Retry-After`. A 503 always says when to retry;
 * `redemption_unknown` is 403 without it, because a retry could spend a second use. No answer reveals what the policy looked at.
 */
import type { DenyReason } from "../../../core/domain/decision.ts";
import { CREDENTIAL_REFUSALS, refusedCredential } from "../../../core/identity/credential-refusals.ts";

export type Answer = {
  readonly status: 400 | 401 | 403 | 503;
  readonly title: string;
  readonly detail: string;
  readonly retryAfterS?: number;
};

const policyFault: Answer = {
  status: 503,
  title: "No decision could be made",
  detail: "The policy could not decide this request, so it is denied.",
  retryAfterS: 5,
};
const unavailable = (detail: string, retryAfterS = 2): Answer => ({
  status: 503,
  title: "Temporarily unavailable",
  detail,
  retryAfterS,
});

export const ANSWERS: Readonly<Record<DenyReason, Answer>> = {
  ...CREDENTIAL_REFUSALS,
  credential_certificate_wrong: refusedCredential("The token is bound to a client certificate that was not presented."),
  authentication_required: {
    status: 401,
    title: "Authentication is required",
    detail: "This can be requested, but not anonymously; send a token.",
  },
  request_parse_error: {
    status: 400,
    title: "The request cannot be understood",
    detail: "Its path, query, headers or body cannot be parsed, so it is denied.",
  },
  subject_not_trusted: {
    status: 403,
    title: "Denied",
    detail: "The caller may not ask about this subject.",
  },
  policy_denied: { status: 403, title: "Denied", detail: "A policy denies this request." },
  no_rule_matched: { status: 403, title: "Denied", detail: "No policy allows this request." },
  body_not_bindable: {
    status: 403,
    title: "Denied",
    detail: "This needs an approval of the exact request, but an approval cannot be tied to its body.",
  },
  not_reviewable: {
    status: 403,
    title: "Denied",
    detail:
      "This needs an approval of the exact request, but the policy shows reviewers nothing of it; its author must add a `display`.",
  },
  display_too_large: {
    status: 403,
    title: "Denied",
    detail:
      "This needs an approval, but it has more to show reviewers than they are shown, and nobody approves what they do not see; the policy's author must shorten the elevation's `display`.",
  },
  exact_needs_http: {
    status: 403,
    title: "Denied",
    detail:
      'This needs an approval, but the policy ties it to an exact HTTP request, and this is not one. The elevation must say "binding": "scope".',
  },
  not_requestable: {
    status: 403,
    title: "Denied",
    detail: "This needs an approval, but the request is too large to request one.",
  },
  redemption_unknown: {
    status: 403,
    title: "Denied",
    detail:
      "The approval service did not confirm the use of the approval; it may be spent. Look at the grant before trying again.",
  },
  policy_error: policyFault,
  policy_result_invalid: policyFault,
  policy_conflict: policyFault,
  policy_budget_exceeded: policyFault,
  policy_ask_unanswered: unavailable("A service that the policy asks did not answer within the limits."),
  policy_suspended: {
    ...policyFault,
    detail: "The policy repeatedly took too long on requests like this one, so they are denied for a while.",
    retryAfterS: 60,
  },
  context_unavailable: policyFault,
  policy_not_loaded: policyFault,
  policy_expired: policyFault,
  keys_unavailable: unavailable("The keys of the token's issuer are not available.", 5),
  grants_stale: unavailable("The approvals known here may be out of date, so none can be used now."),
  request_unavailable: unavailable("This needs an approval, but none can be requested at the moment."),
  redemption_unavailable: unavailable("The approval could not be used at the moment; no use was counted."),
  overloaded: unavailable("Too many requests at once.", 1),
  deadline_exceeded: unavailable("There was not enough time to decide.", 1),
  audit_unavailable: unavailable("Decisions cannot be recorded at the moment."),
  internal_error: unavailable("An internal error; report the decision_id to the operator."),
};

export function answerTo(reason: DenyReason): Answer {
  return ANSWERS[reason];
}
