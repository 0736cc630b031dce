/**
 * What the decision path needs from outside, in terms of the domain. `evaluate.ts` and the edges know only these types; `main` supplies the
 * adapters. Every port answers with a union on `kind`, in which failures are outcomes. Ports that only the API, AuthZEN, compatibility mode or a
 * candidate needs are in the ports.ts of their folder.
 */
import type { BindingRefusal, HttpRequest } from "../../core/domain/binding.ts";
import type { Covering } from "../../core/domain/covers.ts";
import type { Decision, DenyReason, IssuedDenial, Verdict } from "../../core/domain/decision.ts";
import type { Offer } from "../../core/domain/denial.ts";
import type { Elevation } from "../../core/domain/elevation.ts";
import type { Clocks, StaleReason } from "../../core/domain/freshness.ts";
import type { RedemptionClaim, RedemptionRefusal } from "../../core/domain/grant.ts";
import type { Id } from "../../core/domain/id.ts";
import type { Question } from "../../core/domain/question.ts";
import type { Caller, Json, Subject } from "../../core/domain/subject.ts";
import type { Instant } from "../../core/domain/time.ts";
import type { Asking } from "../../core/policy/asks.ts";
import type { EnforcedCall } from "../../core/policy/envoy-input/attributes.ts";

export type Mode = "enforce" | "ask";

/** Measured on the monotonic clock by whoever made it. */
export type Deadline = {
  leftMs(): number;
  /** The earlier of this one and `ms` from now. */
  within(ms: number): Deadline;
};

/** The caller's credentials, as received; never logged. */
export type Credentials = {
  /** All values of the `authorization` header. More than one is refused by identification. */
  readonly authorization: readonly string[];
  /** The peer's certificate identity, as the enforcer verified and reports it, or undefined. */
  readonly principal: string | undefined;
  /** That certificate, as URL-encoded PEM, if the enforcer reports it. */
  readonly certificate?: string | undefined;
  /** The client certificate that our own TLS handshake verified, as DER, if the caller's connection ends here. */
  readonly peerCertificate?: () => Uint8Array | undefined;
  /** Lower-case name → values; contains the token if configuration names another header than `authorization`. */
  readonly headers?: ReadonlyMap<string, readonly string[]>;
  /** Metadata of other filters of the enforcer: namespace → fields. Only as trustworthy as the enforcer. */
  readonly metadata?: ReadonlyMap<string, unknown> | undefined;
};

/** The caller, where the edge has identified it itself. */
export type Vouched = Extract<Caller, { kind: "subject" }> | { readonly kind: "refused"; readonly reason: DenyReason };

/** One call to be judged, as an edge translated it. Nothing here is a wire type. */
export type Evaluation = {
  readonly decisionId: Id<"decision">;
  readonly protocol: "http" | "tcp" | "api";
  /** The call as the enforcer describes it; `source` is the peer of the connection. */
  readonly call: EnforcedCall;
  readonly credentials: Credentials;
  /** From the header `countersign-reason`: requests the approval together with the call. */
  readonly justification: string | undefined;
  readonly traceparent: string | undefined;
  /** The question, if it came by the API. */
  readonly question?: Question;
  /** Name of the API client that asked, if it was one: then the account is known by its word alone. */
  readonly client?: string | undefined;
  /** The caller, if the edge has identified it (a trusted API client may state it). Then the credentials are ignored. */
  readonly vouched?: Vouched;
};

/** Says nothing about the credential, which was not verified: too many were waiting, or its deadline passed first. */
type NotIdentified = { readonly kind: "refused"; readonly reason: "overloaded" | "deadline_exceeded" };

/**
 * Identifies by keys that are already here; a key set is never fetched inside a check. A promise, which never rejects, where others have their
 * signatures verified first; a credential that is known waits for nobody.
 */
export type IdentityInTurn = {
  identify(
    credentials: Credentials,
    options: Pick<EvaluateOptions, "readClocks" | "deadline">,
  ): Caller | NotIdentified | Promise<Caller | NotIdentified>;
};

/** Gathers `input.context`: times, source address and country, device, incidents, profile, freshness of the state. */
export type Context = {
  gather(evaluation: Evaluation, clocks: Clocks, subject: Subject | undefined): Gathered;
};

type Gathered = { readonly [name: string]: Json } & { readonly country?: string };

export type PolicyQuestion = {
  readonly evaluation: Evaluation;
  readonly caller: Exclude<Caller, { kind: "refused" }>;
  readonly context: { readonly [name: string]: Json };
};

export type Judged = {
  readonly verdict: Verdict;
  readonly revision: string | undefined;
  /** What the evaluation cost, in fuel; undefined where there was none. */
  readonly fuelUsed: number | undefined;
  /** Hosts that the policy asked during the evaluation. */
  readonly asked?: readonly AskedHost[];
};

/** Never throws; verdict and revision belong together. A promise, which never rejects, only if the policy asks the network. */
export type Policy = {
  decide(question: PolicyQuestion, clocks: Clocks, deadline: Deadline): Judged | Promise<Judged>;
};

/**
 * `kept`: an answer to another decision. `failed`: there was none, as the policy is told. `refused`: it may not be asked, as the policy
 * is told, too. `unanswered`: beyond a bound, which ended the decision.
 */
export type AskOutcome = "answered" | "kept" | "failed" | "refused" | "unanswered";

/** A policy's network call, without its content. */
export type AskedHost = { readonly host: string; readonly durationMs: number; readonly outcome: AskOutcome };

type DecisionAsking = Asking & {
  /** In order. */
  asked(): readonly AskedHost[];
  /** Time spent waiting for the network, which is not part of the evaluation. */
  waitedMs(): number;
};

/** Network access of policies, for one decision at a time. */
export type Network = { forDecision(deadline: Deadline): DecisionAsking };

export type GrantQuery = {
  readonly subject: Subject;
  readonly elevations: readonly Elevation[];
  readonly http: HttpRequest | undefined;
};

export type Match = Covering | { readonly kind: "stale"; readonly why: StaleReason };

/** Grants as read from the state topic. `clocks` must be read when asking. */
export type Grants = { covering(query: GrantQuery, clocks: Clocks): Match };

export type Redemption =
  | { readonly kind: "granted"; readonly uses: number }
  | { readonly kind: "refused"; readonly reason: RedemptionRefusal }
  /** Certainly not executed: no use was counted. */
  | { readonly kind: "unavailable" }
  /** Sent, but the outcome is not known: a use may have been counted. */
  | { readonly kind: "unknown" };

/** Uses a grant once. Nobody may retry it. */
export type Redeemer = { redeem(claim: RedemptionClaim, deadline: Deadline): Promise<Redemption> };

export type Requestable =
  | { readonly kind: "requestable"; readonly offers: readonly [Offer, ...Offer[]] }
  | { readonly kind: "unbindable"; readonly reason: BindingRefusal | "exact_needs_http" };

export type Ask = {
  readonly evaluation: Evaluation;
  readonly subject: Subject;
  readonly offers: readonly [Offer, ...Offer[]];
  readonly policyRevision: string;
};

export type Published =
  | { readonly kind: "issued"; readonly denial: IssuedDenial }
  | { readonly kind: "too_many"; readonly retryAfterMs: number }
  | { readonly kind: "not_requestable" }
  | { readonly kind: "unavailable" };

export type Denials = {
  /** Which of these elevations can be requested for this call; an `exact` one that cannot be bound cannot. */
  offers(query: GrantQuery): Requestable;
  /** Returns a denial's id only after all in-sync replicas have it. */
  publish(ask: Ask, now: Instant, deadline: Deadline): Promise<Published>;
};

/** Counts, times and, when debugging, logs every decision, by whichever edge it came. */
export type ObserveDecision = (evaluated: Evaluated, evaluation: Evaluation, durationMs: number) => void;

/** Logs and counts unexpected exceptions: the one trace of an `internal_error`. Never throws. */
export type Faults = { report(error: unknown): void };

type EvaluateOptions = {
  readonly readClocks: () => Clocks;
  readonly deadline: Deadline;
  readonly mode: Mode;
};

/** A decision, with what the decision log records about it. */
export type Evaluated = {
  readonly decision: Decision;
  readonly subject: Subject | undefined;
  readonly policyRevision: string | undefined;
  readonly fuelUsed?: number | undefined;
  readonly asked?: readonly AskedHost[] | undefined;
  /** The country that the policy saw. */
  readonly country?: string | undefined;
  /** Of this decision's span, if it is traced. */
  readonly traceparent?: string;
};

/** Never rejects. */
export type Evaluate = (evaluation: Evaluation, options: EvaluateOptions) => Promise<Evaluated>;

export type LogEntry = Evaluated & {
  readonly evaluation: Evaluation;
  /** As derived from the trusted proxies; undefined if unknown. */
  readonly sourceAddress: string | undefined;
  readonly mode: Mode;
  readonly time: Instant;
  readonly durationUs: number;
};

export type DecisionLog = {
  /**
   * Resolves once the decision is on record (in the spool, and under `audit: required` on the disk) or cannot be, which is
   * counted. Undefined: it may be told. Otherwise it had to be on record and is not: this is told in its place. Never rejects.
   */
  append(entry: LogEntry): Promise<Evaluated | undefined>;
};
