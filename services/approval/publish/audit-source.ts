/** What the sealer and the audit relay ask of the rows behind the record; each runs on the session, or in the transaction, of whoever leads. */
import type { AuditEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { OutboxRow } from "./ports.ts";

export type SealerRows = {
  /** In the order in which they came, those that are committed. */
  readonly waiting: (tx: Queryable, limit: number) => Promise<readonly OutboxRow[]>;
  /** The end of our log; undefined before the first event. */
  readonly last: (tx: Queryable) => Promise<{ readonly index: string; readonly hash: string } | undefined>;
  /** Rejects where an index is taken. */
  readonly append: (tx: Queryable, sealed: readonly AuditEvent[]) => Promise<void>;
  /** How many there were. */
  readonly remove: (tx: Queryable, ids: readonly string[]) => Promise<number>;
};

export type RelayRows = {
  /** Events that nobody has marked, in the order of their commits. */
  readonly sealed: (
    on: Queryable,
    limit: number,
  ) => Promise<readonly { readonly arrival: string; readonly event: string }[]>;
  /** That one and all before it. */
  readonly markPublished: (on: Queryable, arrival: string) => Promise<void>;
  /** Entries of the decision services' logs. */
  readonly decisions: (on: Queryable, limit: number) => Promise<readonly OutboxRow[]>;
  readonly removeDecisions: (on: Queryable, ids: readonly string[]) => Promise<void>;
};
