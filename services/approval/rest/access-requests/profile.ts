/**
 * Names of the Access Request and Approval Profile, draft 1, as far as the approval service implements it. This folder is an adapter over the
 * commands of /v1/requests: another draft changes this folder and none of the rules. Which draft it is: core/messages/access-request-profile.ts.
 */
import type { Instant } from "../../../../core/domain/time.ts";
import type { ReadBinding } from "../../../../core/identity/binding-token.ts";
import type { ProblemCode } from "../problem-table.ts";

/** Tokens of the decision services that point to a denial. */
export type BindingTokens = { readonly read: (token: string, now: Instant) => ReadBinding };

/** Where enforcers submit access requests, as they reach it, and the tokens that they bring along. */
export type AccessRequests = { readonly endpoint: string; readonly tokens: BindingTokens };

export const PATH = "/access/v1/requests";

/** Ours that the profile has a name for; statuses are the same. All others keep their own type. */
const PROBLEM_TYPES: ReadonlyMap<ProblemCode, string> = new Map(
  (
    [
      ["not_requestable", "not_requestable"],
      ["invalid_denial_binding", "invalid_denial_binding"],
      ["expired_denial", "expired_denial"],
      ["idempotency_key_reused", "duplicate_request"],
      ["unknown_request", "unknown_task"],
      ["task_expired", "task_expired"],
      ["not_pending", "invalid_task_state"],
    ] as const
  ).map(([code, name]) => [code, `urn:openid:authzen:access-request:error:${name}`]),
);

/** For every route of the profile: the `type` of its problems, and its place in the document. */
export const PROFILE = {
  config: { problemTypes: PROBLEM_TYPES },
  tags: ["access requests"],
} as const;
