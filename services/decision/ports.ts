/**
 * What the decision path needs from outside, in the words of the domain. `evaluate.ts` and the edges know only these;
 * `main.ts` puts the adapters behind them. Every port answers with a union on `kind`: what goes wrong is an outcome. What only
 * the API, AuthZEN, compatibility mode or a candidate needs is in the ports.ts of their folder.
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
  /** The one that was verified in a handshake of ours, as DER, where the caller's connection ends here. */
  readonly peerCertificate?: () => Uint8Array | undefined;
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

/** Without a word about the credential, which was not looked at: too many wait to be, or its time was over by then. */
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

/** What policies may know of the moment: times, source address and country, the device, freshness of the state. */
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
  /** Whom the policy asked for it. */
  readonly asked?: readonly AskedHost[];
};

/** Never throws; the verdict and the revision belong together. A promise, which never rejects, only where a policy asks the network. */
export type Policy = {
  decide(question: PolicyQuestion, clocks: Clocks, deadline: Deadline): Judged | Promise<Judged>;
};

/**
 * `kept`: an answer to another decision. `failed`: there was none, as the policy is told. `refused`: it may not be asked, as the policy
 * is told, too. `unanswered`: beyond a bound, which ended the decision.
 */
export type AskOutcome = "answered" | "kept" | "failed" | "refused" | "unanswered";

/** A question of a policy to the network, without what was asked. */
export type AskedHost = { readonly host: string; readonly durationMs: number; readonly outcome: AskOutcome };

type DecisionAsking = Asking & {
  /** In order. */
  asked(): readonly AskedHost[];
  /** Of which the evaluation itself took nothing. */
  waitedMs(): number;
};

/** What policies may ask of the network, one decision at a time. */
export type Network = { forDecision(deadline: Deadline): DecisionAsking };

export type GrantQuery = {
  readonly subject: Subject;
  readonly elevations: readonly Elevation[];
  readonly http: HttpRequest | undefined;
};

export type Match = Covering | { readonly kind: "stale"; readonly why: StaleReason };

/** Grants as the state topic told them. The clocks are read at the moment of the question. */
export type Grants = { covering(query: GrantQuery, clocks: Clocks): Match };

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
  /** What of these elevations may be requested for this very call; an `exact` one that cannot be bound may not. */
  offers(query: GrantQuery): Requestable;
  /** Names a denial only after all replicas have it. */
  publish(ask: Ask, now: Instant, deadline: Deadline): Promise<Published>;
};

/** Counts, times and, when debugging, logs every decision, by whichever edge it came. */
export type ObserveDecision = (evaluated: Evaluated, evaluation: Evaluation, durationMs: number) => void;

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
  readonly asked?: readonly AskedHost[] | undefined;
  /** That the policy was told of. */
  readonly country?: string | undefined;
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
   * Resolves once the decision is on record (in the spool, and under `audit: required` on the disk) or cannot be, which is
   * counted. Undefined: it may be told. Otherwise it had to be on record and is not: this is told in its place. Never rejects.
   */
  append(entry: LogEntry): Promise<Evaluated | undefined>;
};
