/**
 * The grant rows as the state relay sees them: `version` is what the row is, `published_version` what the topic has. Every statement
 * runs on the connection that holds the relay's lock, so a deposed relay can mark nothing.
 */
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";

type GrantVersion = { readonly id: Grant["id"]; readonly version: number };

/** Every grant that was published and not tombstoned, with the version that was published last. */
export async function publishedGrants(on: Queryable): Promise<readonly GrantVersion[]> {
  const { rows } = await on.query<{ id: string; published_version: number }>(
    "select id, published_version from grants where published_version > 0 and tombstoned_at is null",
  );
  return rows.map((row) => ({ id: id("grant", row.id), version: row.published_version }));
}

/**
 * Grants whose newest version was not published, by id, those after `after`. One that changes after it was tombstoned is not
 * published any more. @throws AppError for a row that is not a grant
 */
export async function unpublishedGrants(
  on: Queryable,
  after: Grant["id"] | undefined,
  limit: number,
): Promise<readonly Grant[]> {
  const { rows } = await on.query<GrantRow>(
    `select ${GRANT_COLUMNS}
       from grants
      where published_version < version and tombstoned_at is null and ($1::uuid is null or id > $1)
      order by id
      limit $2`,
    [after ?? null, limit],
  );
  return rows.map(grantFromRow);
}

export async function markPublished(on: Queryable, grants: readonly GrantVersion[]): Promise<void> {
  if (grants.length === 0) return;
  await on.query(
    `update grants set published_version = sent.version
       from unnest($1::uuid[], $2::int[]) as sent (id, version)
      where grants.id = sent.id and grants.published_version < sent.version`,
    [grants.map((grant) => grant.id), grants.map((grant) => grant.version)],
  );
}

/** Makes grants of the set unpublished again, so that the next pass publishes them. */
export async function markUnpublished(on: Queryable, ids: readonly Grant["id"][]): Promise<void> {
  if (ids.length === 0) return;
  await on.query("update grants set published_version = 0 where id = any ($1::uuid[]) and tombstoned_at is null", [
    [...ids],
  ]);
}

/** Published grants that ended, and whose time was over 15 minutes ago. */
export async function dueTombstones(on: Queryable, limit: number): Promise<readonly Grant["id"][]> {
  const { rows } = await on.query<{ id: string }>(
    `select id
       from grants
      where tombstoned_at is null and published_version = version and state in ('consumed', 'expired', 'revoked')
        and expires_at < clock_timestamp() - interval '15 minutes'
      order by expires_at
      limit $1`,
    [limit],
  );
  return rows.map((row) => id("grant", row.id));
}

export async function markTombstoned(on: Queryable, ids: readonly Grant["id"][]): Promise<void> {
  if (ids.length === 0) return;
  await on.query("update grants set tombstoned_at = clock_timestamp() where id = any ($1::uuid[])", [[...ids]]);
}

/** Those of `ids` that exist and are not tombstoned. */
export async function notTombstoned(on: Queryable, ids: readonly Grant["id"][]): Promise<readonly Grant["id"][]> {
  if (ids.length === 0) return [];
  const { rows } = await on.query<{ id: string }>(
    "select id from grants where id = any ($1::uuid[]) and tombstoned_at is null",
    [[...ids]],
  );
  return rows.map((row) => id("grant", row.id));
}
