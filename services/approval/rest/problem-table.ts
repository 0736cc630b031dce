/**
 * Every REST answer other than success: one table from reason to status, title, what to do next and the field at fault. docs/problems.md and the
 * OpenAPI document are generated from it. What is not in the table is an opaque 500.
 *
 * NB: somebody else's request, grant or denial answers like one that does not exist, `Retry-After` included.
 */
import type { CredentialRefusal } from "../../../core/domain/subject.ts";
import { CREDENTIAL_REFUSALS, refusedCredential } from "../../../core/identity/credential-refusals.ts";
import { ACCESS_REQUEST_PROBLEMS } from "./access-requests/problem-rows.ts";
import { INCIDENT_PROBLEMS } from "./incident-problems.ts";
import { REFUSED_BY_RULE } from "./refused-by-rule.ts";
import type { CancelOutcome, ReviewOutcome, RevokeOutcome, SubmitOutcome } from "../commands/ports.ts";

type Refusal<Outcome> = Extract<Outcome, { readonly kind: "refused" }> extends { readonly reason: infer R } ? R : never;

export type ProblemCode =
  | Exclude<Refusal<SubmitOutcome | ReviewOutcome | CancelOutcome | RevokeOutcome>, "not_allowed">
  | CredentialRefusal
  | keyof typeof ACCESS_REQUEST_PROBLEMS
  | keyof typeof INCIDENT_PROBLEMS
  | "already_granted"
  | "authentication_required"
  | "conflict"
  | "idempotency_key_in_use"
  | "idempotency_key_reused"
  | "headers_too_large"
  | "internal_error"
  | "invalid_request"
  | "method_not_allowed"
  | "request_too_slow"
  | "security_in_person"
  | "security_role_required"
  | "too_large"
  | "too_many_requests"
  | "unavailable"
  | "unknown_record"
  | "already_taken"
  | "record_dismissed"
  | "unknown_route"
  | "unsupported_media_type";

type Problem = {
  readonly status: number;
  readonly title: string;
  /** What to do about it. */
  readonly detail: string;
  readonly retryAfterS?: number;
  /** JSON pointer of the field to change (into the body, or below /headers), when there is one. */
  readonly pointer?: string;
};

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export const PROBLEMS: Readonly<Record<ProblemCode, Problem>> = {
  invalid_request: {
    status: 400,
    title: "The request is not of the expected shape",
    detail: "See `errors` and /v1/openapi.json.",
  },
  authentication_required: {
    status: 401,
    title: "Authentication is required",
    detail: "Send `authorization: Bearer` with a token of a configured issuer.",
  },
  ...CREDENTIAL_REFUSALS,
  credential_certificate_wrong: refusedCredential(
    "The token is bound to a client certificate, which this service cannot check; get an unbound one.",
  ),
  keys_unavailable: {
    status: 503,
    title: "The keys of the token's issuer are not available",
    detail: "Try again.",
    retryAfterS: 5,
  },
  security_role_required: {
    status: 403,
    title: "Only security may do this",
    detail: "Your account is in none of the groups of roles.security in the configuration.",
  },
  security_in_person: {
    status: 403,
    title: "Security does this in person",
    detail: "Your token is an agent's that acts for somebody of security; they may do this with a token of their own.",
  },
  unknown_route: { status: 404, title: "There is no such address and method", detail: "See /v1/openapi.json." },
  method_not_allowed: {
    status: 405,
    title: "This address does not support this method",
    detail: "`Allow` lists the supported ones; see /v1/openapi.json.",
  },
  unknown_denial: {
    status: 404,
    title: "There is no such denial",
    detail: "It may still be on its way: try again in a second. GET /v1/denials lists yours.",
    retryAfterS: 1,
  },
  unknown_request: {
    status: 404,
    title: "There is no such request",
    detail: "Or you may not see it. GET /v1/requests lists those that you may see.",
  },
  unknown_grant: {
    status: 404,
    title: "There is no such grant",
    detail: "Or you may not see it. GET /v1/grants lists yours, and with ?view=reviewable those that you may revoke.",
  },
  already_taken: {
    status: 409,
    title: "The record was taken by a replay",
    detail: "It has taken effect, so there is nothing left to dismiss.",
  },
  record_dismissed: {
    status: 409,
    title: "The record was dismissed",
    detail: "It can no longer be replayed; GET shows the reason.",
  },
  unknown_record: {
    status: 404,
    title: "There is no such record",
    detail: "GET /v1/quarantine lists the quarantined records.",
  },
  ...ACCESS_REQUEST_PROBLEMS,
  ...INCIDENT_PROBLEMS,
  ...REFUSED_BY_RULE,
  conflict: {
    status: 409,
    title: "Somebody else changed it first",
    detail: "GET it again and check whether your change is still needed.",
  },
  precondition_failed: {
    status: 412,
    title: "It has changed since you saw it",
    detail: "GET it again, look at what changed, and send its new `ETag` as `If-Match`. Nothing was done.",
    pointer: "/headers/if-match",
  },
  idempotency_key_reused: {
    status: 409,
    title: "This idempotency key was used for another call",
    detail:
      "A key belongs to one method, address, `If-Match` and body for 24 hours. Send a fresh key. Nothing was done.",
    pointer: "/headers/idempotency-key",
  },
  idempotency_key_in_use: {
    status: 409,
    title: "A call with this idempotency key is in progress",
    detail: "Send the same call again in a second: it gets the answer of the first.",
    retryAfterS: 1,
    pointer: "/headers/idempotency-key",
  },
  too_many_requests: {
    status: 429,
    title: "Too many requests from this account",
    detail: "Wait as long as `Retry-After` says. Nothing was done.",
    retryAfterS: 1,
  },
  request_too_slow: {
    status: 408,
    title: "The request did not come in time",
    detail: "It has to be whole within ten seconds. Nothing was done; send it again on a new connection.",
  },
  headers_too_large: {
    status: 431,
    title: "The headers are too large",
    detail: "At most 16 KiB with the address, the token included. Nothing was done.",
  },
  too_large: { status: 413, title: "The body is too large", detail: "At most 64 KiB." },
  unsupported_media_type: {
    status: 415,
    title: "The body is not JSON",
    detail: "Send `content-type: application/json`.",
  },
  unavailable: {
    status: 503,
    title: "Temporarily unavailable",
    detail:
      "The database does not answer, or no policy is active that says who must agree. Your call may or may not have taken effect: check before trying again.",
    retryAfterS: 2,
  },
  internal_error: {
    status: 500,
    title: "Something went wrong here",
    detail: "The log has the cause under `request_id`.",
  },
};
