/**
 * What the state relay needs to know about the rows behind the topic, for each kind. Everything runs on the session that it is given, which holds
 * the relay's lock. The keys of a kind begin with its name and a slash, followed by an id.
 */
import { isId } from "../../../core/domain/id.ts";
import type { Instant } from "../../../core/domain/time.ts";
import type { Lease } from "../../../platform/postgres/leadership.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { KeyVersion } from "./ports.ts";

export type StateKind = {
  readonly kind: "grant" | "incident";
  /** Every key that was published and not tombstoned, with the version that was published last. */
  readonly published: (on: Queryable) => Promise<readonly KeyVersion[]>;
  /** Rows whose newest version was not published, by key, those after `after`. */
  readonly unpublished: (
    on: Queryable,
    after: string | undefined,
    limit: number,
  ) => Promise<readonly (KeyVersion & { readonly wire: object })[]>;
  readonly markPublished: (on: Queryable, sent: readonly KeyVersion[]) => Promise<void>;
  /** Has the next pass publish them again. */
  readonly markUnpublished: (on: Queryable, keys: readonly string[]) => Promise<void>;
  /** Published keys whose time on the topic is over. */
  readonly dueTombstones: (on: Queryable, limit: number) => Promise<readonly string[]>;
  readonly markTombstoned: (on: Queryable, keys: readonly string[]) => Promise<void>;
  readonly notTombstoned: (on: Queryable, keys: readonly string[]) => Promise<readonly string[]>;
  /** For keys with a newer version (`version`) on the topic, raises the row's above it. Returns which these are. */
  readonly overtakeTopic: (on: Pick<Lease, "transaction">, behind: readonly KeyVersion[]) => Promise<readonly string[]>;
};

export type StateRows = {
  /** The database clock, floored to whole milliseconds. */
  readonly databaseTime: (on: Queryable) => Promise<Instant>;
  readonly kinds: readonly StateKind[];
};

/** The keys of a kind; what is not an id of ours cannot be a row. */
export function keysOf({ kind }: StateKind, keys: Iterable<string>): readonly string[] {
  const prefix = `${kind}/`;
  return [...keys].filter((key) => key.startsWith(prefix) && isId(kind, key.slice(prefix.length)));
}
