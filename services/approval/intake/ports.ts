/**
 * What intake reads from the topics of the decision services, in types that commands and store share: where a record comes from, what became of
 * it, and how far each decision log was read.
 */
import type { DomainEvent } from "../../../core/domain/events.ts";
import type { Digest, Id } from "../../../core/domain/id.ts";
import type { LogEntry } from "../../../core/domain/log-chain.ts";
import type { Sighting } from "../../../core/domain/profile.ts";
import type { Json } from "../../../core/domain/subject.ts";
import type { Instant } from "../../../core/domain/time.ts";

/** Where a record comes from, which determines what is settled in the transaction of its effect. */
export type Origin = StreamPosition | Replay;

/** A quarantined record that is read again; `told` is the event that it was taken. */
export type Replay = { readonly quarantineId: Id<"quarantine">; readonly told: DomainEvent };

/** Where a batch (or record) was read: offsets `from` (inclusive) to `next` (exclusive) of one partition. */
export type StreamPosition = {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly next: bigint;
};

/** A record that cannot be understood or trusted, raw as it came. */
export type QuarantinedRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: ReadonlyMap<string, Uint8Array>;
  /** A code, and a detail that names places and never values. */
  readonly reason: string;
  readonly detail: string;
};

/** `taken`: committed. `refused`: nothing was, and it never will be. `reason` is a code, `detail` names places, never values. */
export type Reading =
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly reason: string; readonly detail: string };

/** A quarantined record, and what became of it. */
export type Quarantined = {
  readonly id: Id<"quarantine">;
  readonly record: QuarantinedRecord;
  readonly quarantinedAt: Instant;
  /** When a replay took it. */
  readonly replayedAt: Instant | undefined;
  /** When it was dismissed. Never together with `replayedAt`. */
  readonly dismissed: { readonly at: Instant; readonly reason: string } | undefined;
  /** Replays that were refused. */
  readonly tries: number;
  readonly lastTry: { readonly at: Instant; readonly reason: string; readonly detail: string } | undefined;
};

export type DecisionLogState = {
  readonly logId: string;
  readonly nextIndex: bigint;
  /** Hash of the last entry read. */
  readonly lastHash: Digest;
  readonly closed: "no" | "complete" | "recovered";
};

/** One entry of a decision service's log, its shape checked and its hash computed by the edge. */
export type DecisionEntry = LogEntry & {
  readonly logId: string;
  /** Only for the entry that closes the log. */
  readonly tail: "complete" | "recovered" | undefined;
  readonly decisionId: Id<"decision"> | undefined;
  readonly denialId: Id<"denial"> | undefined;
  readonly requestId: Id<"request"> | undefined;
  readonly grantId: Id<"grant"> | undefined;
  /** The sighting of an account, for its profile. */
  readonly sighting: Sighting | undefined;
  /** The record exactly as it was hashed. */
  readonly record: Json;
};
