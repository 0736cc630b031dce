/**
 * What only the REST interface needs from outside: lists, page by page, and the answers stored under idempotency keys. The store implements both.
 * What it shares with the commands is in ../ports.ts and ../intake/ports.ts.
 */
import type { AccessRequest, RequestStatus } from "../../../core/domain/access-request.ts";
import type { Denial } from "../../../core/domain/denial.ts";
import type { Grant, GrantState } from "../../../core/domain/grant.ts";
import type { Digest, Id, IdKind } from "../../../core/domain/id.ts";
import type { RecordedIncident } from "../../../core/domain/incident.ts";
import type { Json, Person } from "../../../core/domain/subject.ts";
import type { Quarantined, QuarantinedRecord } from "../intake/ports.ts";

export type DenialOwner = { readonly issuer: string; readonly subject: string; readonly person: Person | undefined };

/**
 * Pages, newest first unless said; `before` is the last id of the page before. They end where they are large enough, too: whether there is
 * `more` does not follow from how many rows there are. One row is always in a page, if there is one.
 */
export type Listed<Row> = { readonly rows: readonly Row[]; readonly more: boolean };

export type Listings = {
  readonly requests: (filter: RequestFilter, page: Page<"request">) => Promise<Listed<AccessRequest>>;
  readonly grants: (filter: GrantFilter, page: Page<"grant">) => Promise<Listed<Grant>>;
  /** Denials that can still be submitted, of one account and of every other account of the same person. */
  readonly denials: (owner: DenialOwner, page: Page<"denial">) => Promise<Listed<Denial>>;
  /** Audit events in order of arrival, after a sequence number: own sealed ones and kept decisions. */
  readonly audit: (after: bigint, limit: number) => Promise<readonly AuditEntry[]>;
  readonly quarantine: (filter: QuarantineFilter, page: Page<"quarantine">) => Promise<Listed<QuarantineLine>>;
  readonly incidents: (filter: IncidentFilter, page: Page<"incident">) => Promise<Listed<RecordedIncident>>;
};

export type IncidentFilter = { readonly state: "open" | "closed" | "all" };

/** As `Quarantined`, without the value: a page of those could be large. */
export type QuarantineLine = Omit<Quarantined, "record"> & {
  readonly record: Omit<QuarantinedRecord, "value">;
  readonly bytes: number | undefined;
};

export type QuarantineFilter = {
  readonly state: "open" | "taken" | "dismissed" | "all";
  readonly topic: string | undefined;
};

export type Page<Kind extends IdKind> = { readonly limit: number; readonly before: Id<Kind> | undefined };

/** Whose items: those of one account or person, those that some reviewer sets may see, or all. */
export type Visibility =
  | {
      readonly kind: "requester";
      readonly issuer: string;
      readonly subject: string;
      readonly person: Person | undefined;
    }
  /** `sets` are keys as core/domain/requirement `setKey` makes them. */
  | {
      readonly kind: "reviewer";
      readonly sets: readonly string[];
      readonly issuer: string;
      readonly subject: string;
      readonly person: Person;
    }
  | { readonly kind: "everything" };

export type RequestFilter = {
  readonly visibility: Visibility;
  /** Pending, not asked by the reviewer or an agent of theirs, and not yet reviewed by them; only with `reviewer` visibility. */
  readonly awaiting: boolean;
  readonly status: RequestStatus | undefined;
  readonly entitlement: string | undefined;
  readonly denialId: Id<"denial"> | undefined;
};

export type GrantFilter = {
  readonly visibility:
    | Exclude<Visibility, { readonly kind: "reviewer" }>
    /** Those of requests in which the party has a stake (core/domain/stake.ts). */
    | (Omit<Extract<Visibility, { readonly kind: "requester" }>, "kind"> & {
        readonly kind: "stake";
        readonly sets: readonly string[];
      });
  readonly state: GrantState | undefined;
  readonly entitlement: string | undefined;
};

/** `arrival` only grows, and an entry never becomes visible after one with a higher number. `event` is a CloudEvent. */
export type AuditEntry = {
  readonly arrival: bigint;
  readonly logId: string;
  readonly index: bigint;
  readonly event: Json;
};

/** An idempotency key of one caller, held by one call of theirs. */
export type HeldKey = { readonly caller: Digest; readonly key: string; readonly holder: string };

/** An answer of the REST interface, as it went out. */
export type KeptAnswer = {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
};

/**
 * Which call stands behind an idempotency key. A key is held for 30 s, longer than any call takes, and then free for the same call again: so
 * a process that died with it blocks nobody for long. Kept answers are forgotten after 24 h.
 */
export type IdempotencyKeys = {
  readonly hold: (key: HeldKey, fingerprint: Digest) => Promise<HoldOutcome>;
  /** @throws AppError conflict when somebody else holds it by now. */
  readonly keep: (key: HeldKey, answer: KeptAnswer) => Promise<void>;
  /** Releases the key, unless an answer was stored under it. */
  readonly release: (key: HeldKey) => Promise<void>;
};

export type HoldOutcome =
  | { readonly kind: "held" }
  | { readonly kind: "answered"; readonly answer: KeptAnswer }
  /** The same call is in progress, or its process died during it. */
  | { readonly kind: "in_use" }
  /** The key belongs to a call with another fingerprint. */
  | { readonly kind: "reused" };
