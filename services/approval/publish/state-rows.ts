/** What the state relay asks of the grant rows. Every call runs on the connection that holds the relay's lock. */
import type { Grant } from "../../../core/domain/grant.ts";
import type { Instant } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

export type GrantVersion = { readonly id: Grant["id"]; readonly version: number };

export interface StateRows {
  /** clock_timestamp(), floored to whole milliseconds. */
  databaseTime(on: Queryable): Promise<Instant>;
  /** Every grant that was published and not tombstoned, with the version that was published last. */
  published(on: Queryable): Promise<readonly GrantVersion[]>;
  /** Grants whose newest version was not published, by id, those after `after`. Throws for a row that is not a grant. */
  unpublished(on: Queryable, after: Grant["id"] | undefined, limit: number): Promise<readonly Grant[]>;
  markPublished(on: Queryable, grants: readonly GrantVersion[]): Promise<void>;
  /** Makes grants of the set unpublished again, so that the next pass publishes them. */
  markUnpublished(on: Queryable, ids: readonly Grant["id"][]): Promise<void>;
  /** Published grants that ended and whose time was over 15 minutes ago. */
  dueTombstones(on: Queryable, limit: number): Promise<readonly Grant["id"][]>;
  markTombstoned(on: Queryable, ids: readonly Grant["id"][]): Promise<void>;
  /** Those of `ids` that exist and are not tombstoned. */
  inSet(on: Queryable, ids: readonly Grant["id"][]): Promise<readonly Grant["id"][]>;
}
