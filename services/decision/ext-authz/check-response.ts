/**
 * A decision → Envoy's CheckResponse. Only a value that core/domain/decision.ts made as an allow becomes OK. Everything else is PERMISSION_DENIED
 * or UNAUTHENTICATED with an HTTP answer, never a gRPC error, which a proxy with `failure_mode_allow` would let through. On allow, the identity
 * headers are overwritten, and what the client sent in another spelling of a name that is set or removed is removed (sent-spellings.ts).
 */
import { status } from "@grpc/grpc-js";
import {
  type Allow,
  type Deny,
  deny,
  isAllow,
  type NeedsApproval,
  type ResponseFields,
  shownRules,
} from "../../../core/domain/decision.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import { elevationToWire } from "../../../core/messages/elevation-record.ts";
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
} from "../../../proto/gen/envoy/config/core/v3/base.ts";
import type { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Evaluated, Evaluation } from "../ports.ts";
import { type Answer, answerTo } from "./problem.ts";
import { IDENTITY_SPELLINGS, isIdentity, sentSpellings } from "./sent-spellings.ts";

const PROBLEM_TYPE = "urn:countersign:problem:";

export type ResponseOptions = {
  /** Where a request for approval is submitted, for people; undefined when not configured. */
  readonly requestUrl: string | undefined;
};

/** A header value that would split a header or that an upstream could read in two ways; then the call is denied. */
export function withSafeHeaders({ decision, ...known }: Evaluated): Evaluated {
  const fields = decision.response;
  const values = [...fields.headers, ...fields.responseHeadersToAdd].flat();
  if (values.some(isUnsafe))
    return { ...known, decision: deny("policy_result_invalid", ["a header holds a line break"]) };
  const { id = "", issuer = "" } = known.subject ?? {};
  if (decision.kind === "allow" && (isUnsafe(id) || isUnsafe(issuer))) {
    return { ...known, decision: deny("credential_claims_invalid") };
  }
  return { ...known, decision };
}

function isUnsafe(text: string): boolean {
  return /[\0-\x08\x0a-\x1f\x7f]/.test(text) || !text.isWellFormed();
}

export function checkResponse(
  { decision, subject }: Evaluated,
  evaluation: Evaluation,
  options: ResponseOptions,
): CheckResponse {
  if (decision.kind === "deny") return denied(decision, evaluation);
  if (decision.kind === "needs_approval") return needsApproval(decision, evaluation, options);
  return isAllow(decision) ? allowed(decision, evaluation, subject) : denied(deny("internal_error"), evaluation);
}

function allowed(decision: Allow, evaluation: Evaluation, subject: Subject | undefined): CheckResponse {
  const { decisionId } = evaluation;
  const { response } = decision;
  const own = ownHeaders(decision, subject, decisionId);
  return okResponse({ response, own, decisionId, sent: sentSpellings(evaluation, response) });
}

/** Everything that an OK depends on. NB: nothing else may enter its bytes, which allow-bytes.ts caches. */
type AllowParts = {
  readonly response: ResponseFields;
  /** The identity headers that we set for the upstream. */
  readonly own: readonly (readonly [name: string, value: string])[];
  readonly decisionId: string;
  /** Names that the caller sent (sent-spellings.ts). */
  readonly sent: readonly string[];
};

export function ownHeaders(decision: Allow, subject: Subject | undefined, decisionId: string): AllowParts["own"] {
  const own: [string, string][] = [["countersign-decision-id", decisionId]];
  if (subject !== undefined) own.push(["countersign-subject", subject.id], ["countersign-issuer", subject.issuer]);
  if (decision.by.kind === "grant") own.push(["countersign-grant-id", decision.by.grant.id]);
  return own;
}

/** NB: only for what `isAllow` confirmed. */
export function okResponse({ response, own, decisionId, sent }: AllowParts): CheckResponse {
  const set = new Set(own.map(([name]) => name));
  const headers = [...headerOptions(response.headers.filter(([name]) => !isIdentity(name))), ...headerOptions(own)];
  const removed = new Set([...IDENTITY_SPELLINGS, ...sent, ...response.requestHeadersToRemove]);
  return {
    status: { code: status.OK, message: "", details: [] },
    httpResponse: {
      $case: "okResponse",
      value: {
        headers,
        // NB: Envoy removes after it has set, so what is set here must not be in this list.
        headersToRemove: [...removed].filter((name) => !set.has(name)),
        dynamicMetadata: undefined,
        responseHeadersToAdd: headerOptions(response.responseHeadersToAdd),
        queryParametersToSet: [],
        queryParametersToRemove: [],
      },
    },
    dynamicMetadata: { decision_id: decisionId, outcome: "allow" },
  };
}

function denied(decision: Deny, evaluation: Evaluation): CheckResponse {
  const { reason, response } = decision;
  const answer = answerTo(reason);
  const shown = [reason, ...shownRules(decision)];
  const extra: [string, string][] = [];
  if (answer.retryAfterS !== undefined) extra.push(["retry-after", String(answer.retryAfterS)]);
  if (answer.status === 401) {
    extra.push(["www-authenticate", reason === "authentication_required" ? "Bearer" : 'Bearer error="invalid_token"']);
  }
  const problem = { ...problemOf(reason, answer, "deny", shown, evaluation) };
  return httpDenial(answer.status, problem, [...extra, ...policyHeaders(response.headers, extra)], evaluation, "deny");
}

function needsApproval(decision: NeedsApproval, evaluation: Evaluation, options: ResponseOptions): CheckResponse {
  const { denial, tooManyDenials, elevations, grantReason, grantBegins, response } = decision;
  const reason = tooManyDenials === undefined ? "needs_approval" : "too_many_denials";
  const answer: Answer = {
    status: 403,
    title: "Approval needed",
    detail:
      grantBegins !== undefined
        ? `This is approved, and the approval begins at ${rfc3339(grantBegins)}. Try again then, or submit it for another time.`
        : tooManyDenials === undefined
          ? "Somebody has to countersign this request. Submit it with a reason, then try again."
          : "Somebody has to countersign this request, and you have asked for too many. Try again later.",
  };
  const hints = [
    ...new Set(elevations.flatMap(({ approversHint }) => (approversHint === undefined ? [] : [approversHint]))),
  ];
  const problem = {
    ...problemOf(reason, answer, "needs_approval", [reason], evaluation),
    ...(denial === undefined ? {} : { denial_id: denial.id, expires_at: rfc3339(denial.expiresAt) }),
    ...(denial === undefined || options.requestUrl === undefined ? {} : { request_url: options.requestUrl }),
    elevations: elevations.map(elevationToWire),
    ...(hints.length === 0 ? {} : { approvers_hint: hints.join(", ") }),
    ...(grantReason === undefined ? {} : { grant_reason: grantReason }),
    ...(grantBegins === undefined ? {} : { grant_begins_at: rfc3339(grantBegins) }),
  };
  const extra: [string, string][] =
    tooManyDenials === undefined
      ? []
      : [["retry-after", String(Math.max(1, Math.ceil(tooManyDenials.retryAfterMs / 1_000)))]];
  const headers = [...extra, ...policyHeaders(response.headers, extra)];
  return httpDenial(403, problem, headers, evaluation, "needs_approval");
}

function problemOf(
  reason: string,
  { status: code, title, detail }: Answer,
  outcome: "deny" | "needs_approval",
  reasons: readonly string[],
  { decisionId }: Evaluation,
) {
  return { type: `${PROBLEM_TYPE}${reason}`, title, status: code, detail, outcome, reasons, decision_id: decisionId };
}

function httpDenial(
  code: Answer["status"],
  problem: object,
  headers: readonly (readonly [string, string])[],
  { decisionId }: Evaluation,
  outcome: "deny" | "needs_approval",
): CheckResponse {
  const own = [
    ["content-type", "application/problem+json"],
    ["cache-control", "no-store"],
  ] as const;
  return {
    status: { code: code === 401 ? status.UNAUTHENTICATED : status.PERMISSION_DENIED, message: "", details: [] },
    httpResponse: {
      $case: "deniedResponse",
      value: { status: { code }, headers: headerOptions([...own, ...headers]), body: JSON.stringify(problem) },
    },
    dynamicMetadata: { decision_id: decisionId, outcome },
  };
}

/** What a policy adds to a denial, except for headers that we set ourselves. */
function policyHeaders(headers: readonly (readonly [string, string])[], own: readonly (readonly [string, string])[]) {
  const taken = new Set(["content-type", "cache-control", "content-length", ...own.map(([name]) => name)]);
  return headers.filter(([name]) => !taken.has(name.toLowerCase()));
}

/** The first value of a name replaces what was there, further ones are added to it. */
export function headerOptions(headers: readonly (readonly [string, string])[]): HeaderValueOption[] {
  const seen = new Set<string>();
  return headers.map(([key, value]) => {
    const seenBefore = seen.has(key);
    const appendAction = seenBefore
      ? HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD
      : HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD;
    seen.add(key);
    const header = { key, value, rawValue: Buffer.alloc(0) };
    // NB: of request headers Envoy 1.40 reads only `append`, of those of a denial only the action.
    return { header, append: seenBefore, appendAction, keepEmptyValue: false };
  });
}
