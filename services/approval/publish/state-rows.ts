/** What the state relay asks of the grant rows; each runs on the session it is given, which holds the relay's lock. */
import type { Grant } from "../../../core/domain/grant.ts";
import type { Instant } from "../../../core/domain/time.ts";
import type { Lease } from "../../../platform/postgres/leadership.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

export type GrantVersion = { readonly id: Grant["id"]; readonly version: number };

export type StateRows = {
  /** The database clock, floored to whole milliseconds. */
  readonly databaseTime: (on: Queryable) => Promise<Instant>;
  /** Every grant that was published and not tombstoned, with the version that was published last. */
  readonly publishedGrants: (on: Queryable) => Promise<readonly GrantVersion[]>;
  /** Grants whose newest version was not published, by id, those after `after`. */
  readonly unpublishedGrants: (
    on: Queryable,
    after: Grant["id"] | undefined,
    limit: number,
  ) => Promise<readonly Grant[]>;
  readonly markPublished: (on: Queryable, grants: readonly GrantVersion[]) => Promise<void>;
  /** The next pass publishes them again. */
  readonly markUnpublished: (on: Queryable, ids: readonly Grant["id"][]) => Promise<void>;
  /** Published grants that ended, and whose time was over 15 minutes ago. */
  readonly dueTombstones: (on: Queryable, limit: number) => Promise<readonly Grant["id"][]>;
  readonly markTombstoned: (on: Queryable, ids: readonly Grant["id"][]) => Promise<void>;
  /** Ends those of which the topic holds a newer version (`version`) than the database; which these are. */
  readonly endBehindTopic: (
    on: Pick<Lease, "transaction">,
    behind: readonly GrantVersion[],
  ) => Promise<readonly Grant["id"][]>;
  readonly notTombstoned: (on: Queryable, ids: readonly Grant["id"][]) => Promise<readonly Grant["id"][]>;
};
