/**
 * The commands as edges call them: arguments and outcomes. Every outcome is a union on `kind`. A command rejects only for a fault (database,
 * policy host); then nothing was done, or it is not known. What commands need from outside is in ../ports.ts.
 */
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import type { Denial } from "../../../core/domain/denial.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import type { Digest, Id } from "../../../core/domain/id.ts";
import type { RecordedIncident } from "../../../core/domain/incident.ts";
import type { Narrowing } from "../../../core/domain/narrowing.ts";
import type { Reviewed, ReviewRefusal } from "../../../core/domain/review.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import type { Asked, SubmitRefusal } from "../../../core/domain/submit.ts";
import type { Quarantined } from "../intake/ports.ts";
import type { Settle, Transaction } from "../ports.ts";

/** What an edge may add to its write. */
type Write<State, Outcome> = {
  /** Called under the lock: is this still what the caller saw? False refuses with `precondition_failed`, and nothing is done. */
  readonly unchanged?: ((state: State) => boolean) | undefined;
  readonly settle?: Settle<Outcome> | undefined;
};

/** Submits a denial, for intake and REST (commands/submit-request.ts). */
export type Submission = (command: SubmitRequest) => Promise<SubmitOutcome>;

export type SubmitRequest = Pick<Write<never, SubmitOutcome>, "settle"> & {
  readonly denialId: Id<"denial">;
  readonly by: Subject;
  readonly asked: Asked;
  /**
   * Intake submits in the requester's name: a denial that was submitted before gives that request, whatever its state. What comes of it is marked as
   * acted on with it, once. @throws AppError conflict when it was.
   */
  readonly automatic: boolean;
  /** A denial that may not be stored yet: `take` stores it in the transaction of whatever comes of the submission, a refusal included. */
  readonly arriving?: { readonly denial: Denial; readonly take: (tx: Transaction) => Promise<void> };
};

export type SubmitOutcome =
  | { readonly kind: "submitted"; readonly request: AccessRequest; readonly grant: Grant | undefined }
  /** A request with this key is open, or this denial was submitted before (only when automatic). */
  | { readonly kind: "exists"; readonly request: AccessRequest }
  | { readonly kind: "already_granted"; readonly grant: Grant }
  | { readonly kind: "refused"; readonly reason: SubmitRefusal };

export type ReviewRequest = Write<AccessRequest, ReviewOutcome> & {
  readonly requestId: Id<"request">;
  readonly reviewer: Subject;
  readonly vote: "approve" | "deny";
  readonly narrowing: Narrowing | undefined;
  readonly comment: string | undefined;
  /** The request digest of what the reviewer saw. */
  readonly digest: Digest;
};

export type ReviewOutcome =
  | Pick<Reviewed, "kind" | "request" | "review" | "grant">
  | { readonly kind: "refused"; readonly reason: ReviewRefusal | "unknown_request" | "precondition_failed" };

export type CancelRequest = Write<AccessRequest, CancelOutcome> & {
  readonly requestId: Id<"request">;
  readonly by: Subject;
  readonly reason: string | undefined;
};

export type CancelOutcome =
  | { readonly kind: "cancelled"; readonly request: AccessRequest }
  | {
      readonly kind: "refused";
      readonly reason: "unknown_request" | "not_requester" | "not_pending" | "precondition_failed";
    };

export type RevokeGrant = Write<Grant, RevokeOutcome> & {
  readonly grantId: Id<"grant">;
  readonly by: Subject;
  /** The caller has the security role by configuration. */
  readonly asSecurity: boolean;
  readonly reason: string | undefined;
};

export type RevokeOutcome =
  | { readonly kind: "revoked"; readonly grant: Grant }
  | {
      readonly kind: "refused";
      readonly reason: "unknown_grant" | "not_allowed" | "already_final" | "precondition_failed";
    };

/** The edge has checked that the caller has the security role. */
export type OpenIncident = Pick<Write<never, OpenOutcome>, "settle"> &
  Pick<RecordedIncident, "severity" | "scope" | "title"> & { readonly by: Subject };

export type OpenOutcome =
  | { readonly kind: "opened"; readonly incident: RecordedIncident }
  | { readonly kind: "refused"; readonly reason: "too_many_incidents" };

export type CloseIncident = Write<RecordedIncident, CloseOutcome> & {
  readonly incidentId: Id<"incident">;
  readonly by: Subject;
  readonly reason: string | undefined;
};

export type CloseOutcome =
  | { readonly kind: "closed"; readonly incident: RecordedIncident }
  | { readonly kind: "refused"; readonly reason: "unknown_incident" | "already_closed" | "precondition_failed" };

export type ReplayRecord = { readonly quarantineId: Id<"quarantine">; readonly by: Subject };

export type DismissRecord = Pick<Write<never, DismissOutcome>, "settle"> & {
  readonly quarantineId: Id<"quarantine">;
  readonly by: Subject;
  readonly reason: string;
};

export type DismissOutcome =
  /** Now or before. */
  | { readonly kind: "dismissed"; readonly record: Quarantined }
  | { readonly kind: "refused"; readonly reason: "unknown_record" | "already_taken" };

export type ReplayOutcome =
  /** Now or, `before`, by an earlier replay. */
  | { readonly kind: "taken"; readonly before: boolean; readonly record: Quarantined }
  | { readonly kind: "refused_again"; readonly reason: string; readonly detail: string; readonly record: Quarantined }
  | { readonly kind: "refused"; readonly reason: "unknown_record" | "record_dismissed" };
