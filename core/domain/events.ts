/**
 * Domain events: each state change returns the events that go into the outbox in the same transaction. The store adds id and time; core/messages
 * turns an event into a CloudEvent. Free text is the requester's and reviewers' own; tokens, bodies and other secrets never get here (rule 9).
 */
import type { DisplayLine, MaxUses, Risk } from "./elevation.ts";
import type { Digest, Id } from "./id.ts";
import type { Narrowing, Terms } from "./narrowing.ts";
import type { Requirement } from "./requirement.ts";
import type { Limits } from "./routing.ts";
import type { Severity } from "./severity.ts";
import type { Actor, Person } from "./subject.ts";
import type { DurationMs, Instant } from "./time.ts";

/** Who caused an event: a person through an account, an account without a person, or the service itself. */
export type Principal =
  | {
      readonly kind: "account";
      readonly person: Person | undefined;
      readonly issuer: string;
      readonly subject: string;
      readonly actors: readonly Actor[];
    }
  | { readonly kind: "service"; readonly name: string };

/** Records what time has ended. */
export const SWEEPER: Principal = { kind: "service", name: "sweeper" };

type About<Type extends string, Data> = {
  readonly type: Type;
  readonly by: Principal;
  /** What the event is about, and everything related to it; undefined where there is no such thing. */
  readonly denialId: Id<"denial"> | undefined;
  readonly requestId: Id<"request"> | undefined;
  readonly grantId: Id<"grant"> | undefined;
  readonly policyRevision: string | undefined;
  readonly data: Data;
};

type RequestSubmitted = About<
  "request.submitted",
  {
    readonly entitlement: string;
    readonly scope: string;
    readonly title: string;
    readonly display: readonly DisplayLine[];
    readonly risk: Risk;
    readonly justification: string;
    readonly requested: Terms;
    /** `policyRevision` is the revision that denied. */
    readonly routedByRevision: string | undefined;
    readonly requirement: Requirement | undefined;
    readonly limits: Limits | undefined;
    readonly digest: Digest;
    readonly expiresAt: Instant;
  }
>;

type ReviewRecorded = About<
  "review.recorded",
  {
    readonly reviewId: Id<"review">;
    readonly vote: "approve" | "deny";
    /** The revision that let the reviewer vote. */
    readonly permittedByRevision: string | undefined;
    readonly narrowing: Narrowing | undefined;
    readonly comment: string | undefined;
    readonly digest: Digest;
  }
>;

type ReviewRefused = About<"review.refused", { readonly vote: "approve" | "deny"; readonly reason: string }>;

type RequestEnded = About<
  "request.approved" | "request.denied" | "request.expired" | "request.cancelled" | "request.failed",
  { readonly reason: string | undefined; readonly reviewers: readonly Person[] }
>;

type GrantIssued = About<
  "grant.issued",
  {
    readonly person: Person | undefined;
    readonly issuer: string;
    readonly subject: string;
    readonly actors: readonly Actor[];
    readonly entitlement: string;
    readonly scope: string;
    readonly digest: Digest | undefined;
    readonly maxUses: MaxUses;
    readonly duration: DurationMs;
    readonly notBefore: Instant;
    readonly expiresAt: Instant;
    readonly approvedBy: readonly Person[];
  }
>;

type GrantUsed = About<
  "grant.used",
  {
    readonly redemptionId: Id<"decision">;
    readonly uses: number;
    readonly maxUses: MaxUses;
    readonly entitlement: string;
    readonly scope: string;
  }
>;

type GrantEnded = About<"grant.revoked" | "grant.expired", { readonly reason: string | undefined }>;

/** A record of a topic that could not be understood or trusted: its place, and the id under which it is kept. */
type SetAside = {
  readonly quarantineId: Id<"quarantine">;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
};

type RecordQuarantined = About<"record.quarantined", SetAside & { readonly reason: string }>;

/** Somebody replayed it. `reason` says why it was refused again. */
export type RecordReplayed = About<
  "record.replayed",
  SetAside & { readonly outcome: "taken" | "refused"; readonly reason: string | undefined }
>;

export type IncidentOpened = About<
  "incident.opened",
  {
    readonly incidentId: Id<"incident">;
    readonly severity: Severity;
    readonly scope: string;
    readonly title: string;
  }
>;

export type IncidentClosed = About<
  "incident.closed",
  { readonly incidentId: Id<"incident">; readonly reason: string | undefined }
>;

/** Somebody dismissed it. */
type RecordDismissed = About<"record.dismissed", SetAside & { readonly reason: string }>;

export type DomainEvent =
  | RequestSubmitted
  | ReviewRecorded
  | ReviewRefused
  | RequestEnded
  | GrantIssued
  | GrantUsed
  | GrantEnded
  | RecordQuarantined
  | RecordReplayed
  | IncidentOpened
  | IncidentClosed
  | RecordDismissed;

export type EventType = DomainEvent["type"];
