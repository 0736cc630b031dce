/**
 * What the decision path needs from outside, in the words of the domain. `evaluate.ts` and the edges know only these;
 * `main.ts` puts the adapters behind them. Every port answers with a union on `kind`: what goes wrong is an outcome.
 */
import type { BindingRefusal, HttpRequest } from "../../core/domain/binding.ts";
import type { Covering } from "../../core/domain/covers.ts";
import type { Decision, DenyReason, IssuedDenial, Verdict } from "../../core/domain/decision.ts";
import type { Offer } from "../../core/domain/denial.ts";
import type { Elevation } from "../../core/domain/elevation.ts";
import type { Clocks, StaleReason } from "../../core/domain/freshness.ts";
import type { RedemptionClaim, RedemptionRefusal } from "../../core/domain/grant.ts";
import type { Id } from "../../core/domain/id.ts";
import type { Entity, Question } from "../../core/domain/question.ts";
import type { Caller, Json, Subject } from "../../core/domain/subject.ts";
import type { Instant } from "../../core/domain/time.ts";
import type { CompatResult } from "../../core/policy/compat-result.ts";
import type { EnforcedCall } from "../../core/policy/envoy-input/attributes.ts";
import type { DecisionInputText } from "../../core/policy/envoy-input/decision-input.ts";
import type { RegoObject } from "../../core/policy/rego-value/value.ts";

export type Mode = "enforce" | "ask";

/** A moment that may not be passed. Counted on the monotonic clock by whoever made it. */
export type Deadline = {
  leftMs(): number;
  /** The earlier of this one and `ms` from now. */
  within(ms: number): Deadline;
};

/** What was shown to prove who is calling, as received; never logged. */
export type Credentials = {
  /** All values of the `authorization` header. More than one is refused by identification. */
  readonly authorization: readonly string[];
  /** The peer's verified certificate identity as the enforcer states it, or undefined. */
  readonly principal: string | undefined;
  /** That certificate, as URL-encoded PEM, where the enforcer reports it. */
  readonly certificate?: string | undefined;
  /** Lower-case name → values: where the token is, if configuration names another header. */
  readonly headers?: ReadonlyMap<string, readonly string[]>;
  /** What other filters of the enforcer left: namespace → fields. The enforcer's word, nobody else's. */
  readonly metadata?: ReadonlyMap<string, unknown> | undefined;
};

/** Whom an edge takes for the caller, having settled that itself. */
export type Vouched = Extract<Caller, { kind: "subject" }> | { readonly kind: "refused"; readonly reason: DenyReason };

/** One call to be judged, as an edge translated it. Nothing here is a wire type. */
export type Evaluation = {
  readonly decisionId: Id<"decision">;
  readonly protocol: "http" | "tcp" | "api";
  /** What the enforcer stated; its `source` is the peer of the connection. */
  readonly call: EnforcedCall;
  readonly credentials: Credentials;
  /** From `countersign-reason`: asks for the approval along with the call. */
  readonly justification: string | undefined;
  readonly traceparent: string | undefined;
  /** What is asked, when the call came by API. */
  readonly question?: Question;
  /** Who is calling, where the edge has settled it: an API client may be trusted to say. Credentials are not looked at then. */
  readonly vouched?: Vouched;
};

/** Identifies by keys that are already here; a key set is never fetched inside a check. */
export type Identity = { identify(credentials: Credentials, now: Instant): Promise<Caller> };

/** What policies may know of the moment: times, source address and country, the device, freshness of the state. */
export type Context = {
  gather(evaluation: Evaluation, clocks: Clocks, subject: Subject | undefined): { readonly [name: string]: Json };
};

export type PolicyQuestion = {
  readonly evaluation: Evaluation;
  readonly caller: Exclude<Caller, { kind: "refused" }>;
  readonly context: { readonly [name: string]: Json };
};

type Judged = {
  readonly verdict: Verdict;
  readonly revision: string | undefined;
  /** What the evaluation cost, in fuel; undefined where there was none. */
  readonly fuelUsed: number | undefined;
};

/** What a policy was asked, as text, and what it said. */
export type Asked = {
  readonly decisionId: Id<"decision">;
  readonly nowNs: bigint;
  readonly verdict: Verdict;
  readonly revision: string;
  readonly input: Extract<DecisionInputText, { kind: "input" }>;
  /** Members that the input was written with; undefined: all. */
  readonly reads: ReadonlySet<string> | undefined;
  /** The same input, with what another policy reads. */
  readonly inputFor: (reads: ReadonlySet<string> | undefined) => DecisionInputText;
  /** What it holds in memory while it is kept, about. */
  readonly bytes: number;
};

/** A candidate that is asked the same later, and compared. Never throws, and takes no time. */
export type Shadow = { offer(asked: Asked): void };

/** Synchronous and never throws; the verdict and the revision belong together. */
export type Policy = { decide(question: PolicyQuestion, clocks: Clocks): Judged };

/**
 * `unparsable`: the request cannot be described to a policy, which was not asked. `suspended`: nor was it, since it ran
 * away too often for this caller.
 */
export type CompatJudged = {
  readonly result:
    | CompatResult
    | { readonly kind: "unparsable"; readonly message: string }
    | { readonly kind: "suspended" };
  readonly revision: string;
  readonly fuelUsed: number | undefined;
};

/** Compatibility mode: `request` is the whole check request as a document. Synchronous and never throws. */
export type CompatPolicy = { decide(request: RegoObject, evaluation: Evaluation, clocks: Clocks): CompatJudged };

export type GrantQuery = {
  readonly subject: Subject;
  readonly elevations: readonly Elevation[];
  readonly http: HttpRequest | undefined;
};

export type Match = Covering | { readonly kind: "stale"; readonly why: StaleReason };

/** Grants as the state topic told them. The clocks are read at the moment of the question. */
export type Grants = { covering(query: GrantQuery, clocks: Clocks): Match };

export type GrantLookup = {
  /** What is known of this account's grant of this id; that of somebody else is `unknown`. */
  standing(
    account: { readonly issuer: string; readonly subject: string },
    grantId: Id<"grant">,
  ): "known" | "not_yet" | "unknown";
};

export type Redemption =
  | { readonly kind: "granted"; readonly uses: number }
  | { readonly kind: "refused"; readonly reason: RedemptionRefusal }
  /** Surely not executed. */
  | { readonly kind: "unavailable" }
  /** Sent, and nothing is known about it. */
  | { readonly kind: "unknown" };

/** One use of one grant. Never retried by anybody. */
export type Redeemer = { redeem(claim: RedemptionClaim, deadline: Deadline): Promise<Redemption> };

export type Requestable =
  | { readonly kind: "requestable"; readonly offers: readonly [Offer, ...Offer[]] }
  | { readonly kind: "unbindable"; readonly reason: BindingRefusal };

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
  /** What of these elevations may be requested for this very call; an `exact` one that cannot be bound may not. */
  offers(query: GrantQuery): Requestable;
  /** Names a denial only after all replicas have it. */
  publish(ask: Ask, now: Instant, deadline: Deadline): Promise<Published>;
};

/** Logs and counts what threw where nothing should: the one trace of an `internal_error`. Never throws. */
export type Faults = { report(error: unknown): void };

type EvaluateOptions = {
  readonly readClocks: () => Clocks;
  readonly deadline: Deadline;
  readonly mode: Mode;
};

/** A decision and what the log has to say about how it came about. */
export type Evaluated = {
  readonly decision: Decision;
  readonly subject: Subject | undefined;
  readonly policyRevision: string | undefined;
  readonly fuelUsed?: number | undefined;
  /** With `needs_approval`: what may be asked for. */
  readonly ask?: Ask;
  /** Of the span of this decision, where there is one. */
  readonly traceparent?: string;
};

/** Never rejects. */
export type Evaluate = (evaluation: Evaluation, options: EvaluateOptions) => Promise<Evaluated>;

export type LogEntry = Evaluated & {
  readonly evaluation: Evaluation;
  /** By the trusted hops; undefined when unknown. */
  readonly sourceAddress: string | undefined;
  readonly mode: Mode;
  readonly time: Instant;
  readonly durationUs: number;
};

export type DecisionLog = {
  /**
   * Resolves once the decision is on record: in the spool, and under `audit: required` on the disk. `failed` has to
   * become a deny when `required`; otherwise the gap has been counted. Never rejects.
   */
  append(entry: LogEntry): Promise<"recorded" | "failed">;
  readonly required: boolean;
};

export type Authenticated =
  /** A program that is configured here. */
  | { readonly kind: "client"; readonly client: ApiClient }
  /** Somebody with a token of a configured issuer, who may ask about nobody else. */
  | { readonly kind: "subject"; readonly subject: Subject; readonly expiresAt: number };

export type ApiClient = {
  readonly name: string;
  /** Type of subject → issuer of the accounts that it may speak for. */
  readonly subjects: ReadonlyMap<string, string>;
  /** Its decisions may be enforced: they redeem, and publish denials. */
  readonly enforcer: boolean;
};

type Shown = {
  /** All values of `authorization`. */
  readonly authorization: readonly string[];
  /** Names of the verified certificate of the connection, such as `URI:spiffe://…`; none without one. */
  readonly certificateNames: readonly string[];
};

/** Who calls the API, and for whom it may speak. Anonymous callers are refused. */
export type ApiCallers = {
  /** Never rejects. */
  authenticate(shown: Shown): Promise<Authenticated | { readonly kind: "refused"; readonly reason: DenyReason }>;
  /** The account that `entity` is, by the word of this caller, or that its word does not count. */
  vouch(caller: Authenticated, entity: Entity): Vouched;
  /** The question as this caller may put it: whoever speaks for themself says nothing about themself that a policy could take for known. */
  inOwnWords(caller: Authenticated, question: Question): Question;
};

export type AskOptions = {
  readonly vouched: Vouched;
  readonly deadline: Deadline;
  readonly mode: Mode;
  readonly traceparent: string | undefined;
};

export type Answered = Evaluated & { readonly evaluation: Evaluation; readonly time: Instant };

/** One question of an API caller, judged and put on record. Never rejects. */
export type AskQuestion = (question: Question, options: AskOptions) => Promise<Answered>;

/** What would be decided now; a search looks, and nothing goes on record. Never rejects. */
export type EvaluateAside = (question: Question, vouched: Vouched, deadline: Deadline) => Promise<Evaluated>;

export type Sought = "subject" | "action" | "resource";

/** What is asked of a search: the two entities that are given, and the type of the third. */
export type Search = {
  readonly sought: Sought;
  readonly question: Question;
};

export type CandidateList =
  | { readonly kind: "candidates"; readonly entities: readonly Entity[]; readonly revision: string }
  /** The bundle exposes none. */
  | { readonly kind: "none" }
  | { readonly kind: "fault"; readonly reason: DenyReason };

/** What the policy exposes to searches. Synchronous and never throws. */
export type Candidates = {
  offered(): boolean;
  list(search: Search, clocks: Clocks): CandidateList;
};
