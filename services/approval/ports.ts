/**
 * What the commands of the approval service need from outside. What only REST needs is in rest/ports.ts, types of records read from a topic are
 * in intake/ports.ts. The store implements `Transactions`, `Reads` and `Redemption`; the policy and identity adapters implement the rest; main
 * connects them. Types here are the domain's own: no SQL, no Kafka record, no HTTP.
 *
 * Ports that may be slow or fail on their own (people, routing, permission) are called outside of transactions; inside one there is only the
 * database.
 */
import type { AccessRequest, Review, RoutedRequest } from "../../core/domain/access-request.ts";
import type { DecisionLogGap } from "../../core/domain/decision-log-gap.ts";
import type { Denial, DeniedCall, RequestKeyParts } from "../../core/domain/denial.ts";
import type { DomainEvent } from "../../core/domain/events.ts";
import type { Grant, Redeemed, RedemptionClaim, RedemptionRefused } from "../../core/domain/grant.ts";
import type { Digest, Id, IdKind } from "../../core/domain/id.ts";
import type { RecordedIncident } from "../../core/domain/incident.ts";
import type { Profile, Trait } from "../../core/domain/profile.ts";
import type { Routed } from "../../core/domain/routing.ts";
import type { Json, Party, Person, Subject } from "../../core/domain/subject.ts";
import type { Instant } from "../../core/domain/time.ts";
import type { DecisionEntry, DecisionLogState, Origin, Quarantined, QuarantinedRecord } from "./intake/ports.ts";
import type { HeldKey, KeptAnswer } from "./rest/ports.ts";

/** Fresh identifiers, UUID version 7. */
export type Ids = { readonly fresh: <Kind extends IdKind>(kind: Kind) => Id<Kind> };

/** Hashes of what the domain lays out (core/messages). */
export type Digests = {
  readonly requestKey: (parts: RequestKeyParts) => Digest;
  /** SHA-256 over the RFC 8785 form. */
  readonly ofJson: (parts: Json) => Digest;
  /** The binding digest of a denied call under these bound headers; undefined when a field hash is missing. */
  readonly ofCall: (call: DeniedCall, bindHeaders: readonly string[]) => Digest | undefined;
  /** 32 fresh random bytes. */
  readonly salt: () => Digest;
};

/** Maps an account to the person behind it (rule 5); may ask a directory. */
export type People = { readonly resolve: (subject: Subject) => Promise<Party> };

/** `data.countersign.approval.route`: a fault is `failed`. Rejects, with AppError `unavailable`, only while no policy is active. */
export type Router = { readonly route: (request: RoutedRequest) => Promise<Routed> };

/** `data.countersign.approval.may_review`. Can only refuse more: a fault refuses. Rejects, with AppError `unavailable`, only while no policy is active. */
export type Permission = {
  readonly mayReview: (request: RoutedRequest, reviewer: Party) => Promise<Permitted>;
};

/** With the revision of the policy that was asked. */
type Permitted = { readonly kind: "allowed" | "refused"; readonly revision: string | undefined };

/** Every transaction of this service. */
export type TransactionName =
  | "denial"
  | "offset"
  | "decisions"
  | "quarantine"
  | "replay"
  | "replay refused"
  | "dismiss"
  | "submit"
  | "review"
  | "cancel"
  | "revoke"
  | "open incident"
  | "close incident"
  | "sweep requests"
  | "sweep escalations"
  | "sweep grants"
  | "sweep denials"
  | "sweep keys"
  | "sweep quarantine"
  | "sweep notifications"
  | "sweep profiles"
  | "seal"
  | "overtake grants"
  | "overtake incidents";

/** Runs `work`, then `settle` with its result, in one database transaction; an exception undoes everything and is rethrown. */
export type Transactions = {
  readonly transaction: <T>(
    name: TransactionName,
    work: (tx: Transaction) => Promise<T>,
    settle?: Settle<T>,
  ) => Promise<T>;
};

/** A part of the sweep, by its transaction, and why it could not be done. */
export type SweepFault = { readonly part: TransactionName; readonly error: unknown };

/** What an edge adds to the transaction of a write: what it stores about the outcome is committed with it, or not at all. */
export type Settle<Outcome> = (tx: Pick<Transaction, "answers">, outcome: Outcome) => Promise<void>;

export type Transaction = {
  /** The database clock, floored to milliseconds. Read it after the locks are held. */
  readonly now: () => Promise<Instant>;
  readonly denials: {
    /** False if a denial with this id is already stored; the stored one stays. */
    readonly insert: (denial: Denial, person: Person | undefined) => Promise<boolean>;
    /** Marks that intake acts on what it asks for by itself, in the transaction of whatever comes of that; false if it did so before. */
    readonly actOn: (denialId: Id<"denial">) => Promise<boolean>;
    /** Deletes denials that ended before `before` and were never submitted; at most `limit`. How many. */
    readonly deleteLapsed: (before: Instant, limit: number) => Promise<number>;
  };
  readonly requests: {
    /** Makes every other transaction that makes or ends a request of this key wait until this one ends. */
    readonly lockKey: (key: Digest) => Promise<void>;
    /** The pending request of this key; it may be overdue. Not locked. */
    readonly findOpen: (key: Digest) => Promise<AccessRequest | undefined>;
    /** Any request that was made from this denial, newest first. */
    readonly findOfDenial: (denialId: Id<"denial">) => Promise<AccessRequest | undefined>;
    readonly find: (requestId: Id<"request">) => Promise<AccessRequest | undefined>;
    readonly lock: (requestId: Id<"request">) => Promise<AccessRequest | undefined>;
    /** Locks overdue pending requests; those locked by another transaction are left out. */
    readonly lockExpired: (limit: number) => Promise<readonly AccessRequest[]>;
    /** Locks pending requests whose escalation is due; those locked by another transaction are left out. */
    readonly lockEscalating: (limit: number) => Promise<readonly AccessRequest[]>;
    readonly insert: (request: AccessRequest) => Promise<void>;
    /** Writes the end, whose turn it is, and that an escalation is done; all else is immutable. @throws AppError conflict */
    readonly save: (request: AccessRequest) => Promise<void>;
  };
  readonly reviews: { readonly insert: (requestId: Id<"request">, review: Review) => Promise<void> };
  readonly grants: {
    readonly insert: (grant: Grant) => Promise<void>;
    readonly lock: (grantId: Id<"grant">) => Promise<Grant | undefined>;
    /** Locks expired grants that are not marked so yet; those locked by another transaction are left out. */
    readonly lockExpired: (limit: number) => Promise<readonly Grant[]>;
    /** Writes state, uses and version, if the stored version is the one before. @throws AppError conflict */
    readonly save: (grant: Grant) => Promise<void>;
    /** Grants of this account that can be used by the database clock, now or, once they have begun, later. */
    readonly openFor: (issuer: string, subject: string) => Promise<readonly Grant[]>;
  };
  readonly incidents: {
    /** How many are open. Makes every other transaction that opens one wait until this one ends. */
    readonly countOpen: () => Promise<number>;
    readonly insert: (incident: RecordedIncident) => Promise<void>;
    readonly lock: (incidentId: Id<"incident">) => Promise<RecordedIncident | undefined>;
    /** Writes the end and the version, if the stored version is the one before. @throws AppError conflict */
    readonly save: (incident: RecordedIncident) => Promise<void>;
  };
  readonly profiles: {
    /** Those that were not counted on their day. */
    readonly newTraits: (traits: readonly Trait[]) => Promise<readonly Trait[]>;
    /** Locks these profiles before anything is written about them, and has them published again. */
    readonly touch: (traits: readonly Trait[]) => Promise<void>;
    /** Counts the days of each that no other transaction has counted, and forgets those further than `keepDays` before the last one. */
    readonly count: (traits: readonly Trait[], keepDays: number) => Promise<void>;
    /** Deletes all networks and countries of these accounts except the most familiar ones and, of the others, those seen last. */
    readonly bound: (traits: readonly Trait[]) => Promise<void>;
    /** Deletes what was not seen since, from at most `limit` profiles. Returns how many. */
    readonly forget: (before: Instant, limit: number) => Promise<number>;
  };
  readonly outbox: { readonly append: (events: readonly DomainEvent[]) => Promise<void> };
  /** Stores the answer for the holder of an idempotency key. @throws AppError conflict if somebody else holds it by now. */
  readonly answers: {
    readonly keep: (held: HeldKey, answer: KeptAnswer) => Promise<void>;
    /** Deletes keys whose 24 h are over; at most `limit`. Returns how many. */
    readonly forget: (limit: number) => Promise<number>;
  };
  readonly notifications: {
    readonly append: (notification: Notification) => Promise<void>;
    /** Deletes those from before; at most `limit`. Returns how many. */
    readonly forget: (before: Instant, limit: number) => Promise<number>;
  };
  /**
   * Says of the record whose effect is in this transaction that it is taken: moves the stored offset from `from` to `next`, or
   * closes the row of a replay and tells of it. @throws AppError conflict when somebody else did so before.
   */
  readonly settle: (origin: Origin) => Promise<void>;
  readonly quarantine: {
    readonly insert: (quarantineId: Id<"quarantine">, record: QuarantinedRecord) => Promise<void>;
    /** Records a replay that was refused again. */
    readonly noteTry: (quarantineId: Id<"quarantine">, reason: string, detail: string) => Promise<void>;
    /** False if it was dismissed or taken before, or does not exist. */
    readonly dismiss: (quarantineId: Id<"quarantine">, reason: string) => Promise<boolean>;
    readonly find: (quarantineId: Id<"quarantine">) => Promise<Quarantined | undefined>;
    /** Deletes records that were taken or dismissed before `before`; at most `limit`. Returns how many. */
    readonly forget: (before: Instant, limit: number) => Promise<number>;
  };
  readonly decisionLogs: {
    /** How far this log was read, locked; undefined for a log that was never seen. */
    readonly lock: (logId: string) => Promise<DecisionLogState | undefined>;
    readonly save: (state: DecisionLogState) => Promise<void>;
    /** Records a gap. */
    readonly recordGap: (logId: string, gap: DecisionLogGap) => Promise<void>;
    /** Gaps that hold an index between `from` and `before` (exclusive), in order. Ask with the log locked. */
    readonly gaps: (logId: string, from: bigint, before: bigint) => Promise<readonly DecisionLogGap[]>;
    /** Hashes of the entries `from` to `before` (exclusive) by index, as far as they are kept. */
    readonly keptHashes: (logId: string, from: bigint, before: bigint) => Promise<ReadonlyMap<bigint, Digest>>;
    /** Deletes the gap that begins there. */
    readonly closeGap: (logId: string, from: bigint) => Promise<void>;
    /**
     * Queues entries for republication on the audit topic and keeps those that touch a denial, request or grant. Each is
     * enriched with what is known of its grant or request.
     */
    readonly append: (entries: readonly DecisionEntry[]) => Promise<void>;
  };
};

/** A profile to be published; `profile` undefined: nothing is left of it. `changes` identifies the state that was read. */
export type DueProfile = { readonly id: string; readonly changes: bigint; readonly profile: Profile | undefined };

/** A notification; the store turns it into a delivery that is retried until it is accepted. */
export type Notification =
  /** Also when the next stage is asked. */
  | { readonly kind: "review_requested"; readonly request: AccessRequest }
  | { readonly kind: "review_escalated"; readonly request: AccessRequest; readonly notify: readonly string[] }
  | { readonly kind: "request_ended"; readonly request: AccessRequest; readonly grant: Grant | undefined }
  | { readonly kind: "grant_revoked"; readonly grant: Grant };

/** Reads without a lock: for commands before they open a transaction, and for REST. */
export type Reads = {
  readonly now: () => Promise<Instant>;
  readonly denial: (denialId: Id<"denial">) => Promise<Denial | undefined>;
  /** Whether intake has submitted it, whatever came of that. */
  readonly isActedOn: (denialId: Id<"denial">) => Promise<boolean>;
  readonly request: (requestId: Id<"request">) => Promise<AccessRequest | undefined>;
  /** As it stands now, begun or ended by time included. */
  readonly grant: (grantId: Id<"grant">) => Promise<Grant | undefined>;
  /** A request results in one grant at most. */
  readonly grantOfRequest: (requestId: Id<"request">) => Promise<Grant | undefined>;
  readonly incident: (incidentId: Id<"incident">) => Promise<RecordedIncident | undefined>;
  readonly quarantined: (quarantineId: Id<"quarantine">) => Promise<Quarantined | undefined>;
};

/** Wakes the loops that publish grants and events, soon; they also poll. */
export type Bell = { readonly ring: () => void };

/** The caller left before the statement was sent: nothing was used. */
export type CallerGone = { readonly kind: "caller_gone" };

/** One use of a grant: in one statement with concurrent ones, and in one more that says why it was refused; see store/redeem-together.ts. */
export type Redemption = {
  /** `isGone` is checked until the statement is sent. Without it the caller is taken to stay. */
  readonly redeem: (
    claim: RedemptionClaim,
    isGone?: () => boolean,
  ) => Promise<Redeemed | RedemptionRefused | CallerGone>;
};
