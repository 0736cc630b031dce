/**
 * The answer of one evaluation, and the only place that can make an allow (rule 1). `Allow` has no public constructor: it comes from a policy
 * verdict that says allow, or from a current elevation together with a live grant that covers this very request (a matching window, or a granted
 * redemption). Everything else is a denial with its own reason; no default opens anything. The one exception is named: `allowByDryRun`, under
 * `compat.unsafe`.
 */
import { unreachable } from "./app-error.ts";
import type { Candidate, GrantReason } from "./covers.ts";
import type { Elevation } from "./elevation.ts";
import type { Grant } from "./grant.ts";
import type { Id } from "./id.ts";
import type { CredentialRefusal } from "./subject.ts";
import type { Instant } from "./time.ts";

/** What a policy may add to an answer; the fields of opa-envoy-plugin's result object. */
export type ResponseFields = {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly responseHeadersToAdd: readonly (readonly [name: string, value: string])[];
  readonly requestHeadersToRemove: readonly string[];
};

export const NO_RESPONSE_FIELDS: ResponseFields = { headers: [], responseHeadersToAdd: [], requestHeadersToRemove: [] };

/** The policy's result, once it has been understood. Everything that was not understood is a fault. */
export type Verdict =
  | { readonly kind: "allow"; readonly reasons: readonly string[]; readonly response: ResponseFields }
  | { readonly kind: "deny"; readonly reasons: readonly string[]; readonly response: ResponseFields }
  | {
      readonly kind: "elevate";
      readonly elevations: readonly [Elevation, ...Elevation[]];
      readonly response: ResponseFields;
    }
  | { readonly kind: "fault"; readonly reason: PolicyFault; readonly detail: string };

export type PolicyFault =
  | "policy_error" // a built-in failed, or the module trapped
  | "policy_result_invalid" // undefined, ill-typed, or more than the contract allows
  | "policy_budget_exceeded" // it was stopped: time, memory, depth, or what built-ins may take
  | "policy_ask_unanswered" // a network call got no answer within the limits, or none is made here
  | "policy_suspended" // it was stopped too often for this subject, and not evaluated again
  | "display_too_large" // an elevation would show reviewers more than they are shown
  | "policy_conflict" // two packages set the same response key to different values
  | "context_unavailable" // a package requires context that is absent or stale
  | "policy_not_loaded"
  | "policy_expired" // the bundle was signed to decide until a time that has passed
  | "request_parse_error"; // the request itself cannot be described to a policy

/** Our fault or a dependency's: 503 with `Retry-After`, and nothing is opened. */
export type UnavailableReason =
  | "grants_stale"
  | "request_unavailable" // the denial could not be published in its budget
  | "redemption_unavailable" // certainly not executed
  | "keys_unavailable"
  | "overloaded"
  | "deadline_exceeded"
  | "audit_unavailable"
  | "internal_error";

export type DenyReason =
  | CredentialRefusal
  | PolicyFault
  | UnavailableReason
  | "subject_not_trusted" // an API caller asked about a subject that it may not ask about
  | "policy_denied"
  | "no_rule_matched"
  | "authentication_required" // anonymous, and the policy elevates
  | "body_not_bindable"
  | "not_reviewable"
  | "exact_needs_http" // an `exact` elevation of what is no HTTP request
  | "not_requestable" // the denial would be over 64 KiB
  | "redemption_unknown"; // sent, no reply: a use may be lost, so nobody is told to retry

/** A published denial: what the requester needs to request it. */
export type IssuedDenial = { readonly id: Id<"denial">; readonly expiresAt: Instant };

export type Deny = {
  readonly kind: "deny";
  readonly reason: DenyReason;
  /** Names of the policy rules that denied, or a detail that is safe to show. */
  readonly reasons: readonly string[];
  readonly response: ResponseFields;
};

export type NeedsApproval = {
  readonly kind: "needs_approval";
  readonly elevations: readonly [Elevation, ...Elevation[]];
  /** Undefined if the subject has caused too many: then `tooManyDenials` says when to try again. */
  readonly denial: IssuedDenial | undefined;
  readonly tooManyDenials: { readonly retryAfterMs: number } | undefined;
  readonly grantReason: GrantReason | undefined;
  /** Of `not_yet_active`: when it is allowed, if nothing changes. */
  readonly grantBegins?: Instant;
  readonly response: ResponseFields;
};

class AllowDecision {
  readonly kind = "allow";
  readonly by:
    | { readonly kind: "policy" }
    | { readonly kind: "grant"; readonly grant: Grant }
    | { readonly kind: "dry_run" };
  readonly reasons: readonly string[];
  readonly response: ResponseFields;
  readonly #made = true;

  constructor(by: AllowDecision["by"], reasons: readonly string[], response: ResponseFields) {
    this.by = by;
    this.reasons = reasons;
    this.response = response;
  }

  /** Whether a value was made here and does not merely look like it: the edges check this before they answer OK to Envoy. */
  static made(value: object): boolean {
    return #made in value && value.#made;
  }
}

export type Allow = AllowDecision;
export type Decision = Allow | Deny | NeedsApproval;

/** True for an allow that was made by this file. */
export function isAllow(decision: Decision): decision is Allow {
  return decision.kind === "allow" && AllowDecision.made(decision);
}

export function allowByPolicy(verdict: Extract<Verdict, { kind: "allow" }>): Allow {
  return new AllowDecision({ kind: "policy" }, verdict.reasons, verdict.response);
}

/**
 * The named exception to rule 1: an opa-envoy-plugin policy on trial denied, and `compat.unsafe` says that it does not
 * count yet. What it denied for stays on record. NB: only for a policy that answered; a fault is never let through.
 */
export function allowByDryRun(verdict: Extract<Verdict, { kind: "deny" }>): Allow {
  return new AllowDecision({ kind: "dry_run" }, ["dry_run", ...verdict.reasons], NO_RESPONSE_FIELDS);
}

/** A candidate that covers this request (core/domain/covers.ts): a window as it is, or a limited grant as redeemed. */
type Use =
  | { readonly kind: "window"; readonly candidate: Candidate }
  | { readonly kind: "redeemed"; readonly candidate: Candidate; readonly grant: Grant };

/** NB: a limited grant opens nothing until its redemption was granted; handing one in as a window is a deny. */
export function allowByGrant(verdict: Extract<Verdict, { kind: "elevate" }>, use: Use): Allow | Deny {
  const { elevation, grant } = use.candidate;
  const offered = verdict.elevations.includes(elevation);
  const spent = use.kind === "redeemed" ? use.grant.id === grant.id : grant.maxUses === "unlimited";
  const used = use.kind === "redeemed" ? use.grant : grant;
  const same = used.entitlement === elevation.entitlement && used.scope === elevation.scope;
  if (!offered || !spent || !same) return deny("internal_error");
  return new AllowDecision({ kind: "grant", grant: used }, [elevation.entitlement], verdict.response);
}

export function deny(
  reason: DenyReason,
  reasons: readonly string[] = [],
  response: ResponseFields = NO_RESPONSE_FIELDS,
): Deny {
  return { kind: "deny", reason, reasons, response };
}

/** What an answer may say beside the reason: the names of rules, which are meant to be read. NB: details of a fault are for the log. */
export function shownRules({ reason, reasons }: Deny): readonly string[] {
  return reason === "policy_denied" ? reasons : [];
}

/** A verdict that needs no grant. */
export function decisionFrom(verdict: Exclude<Verdict, { kind: "elevate" }>): Decision {
  switch (verdict.kind) {
    case "allow":
      return allowByPolicy(verdict);
    case "deny":
      return deny(
        verdict.reasons.length === 0 ? "no_rule_matched" : "policy_denied",
        verdict.reasons,
        verdict.response,
      );
    case "fault":
      return deny(verdict.reason, [verdict.detail]);
    default:
      throw unreachable(verdict satisfies never);
  }
}
