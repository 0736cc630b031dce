/**
 * The grant rows as the state relay sees them: `version` is what the row is, `published_version` what the topic has. Every statement
 * runs on the connection that holds the relay's lock, so a deposed relay can mark nothing.
 */
import type { Grant, GrantState } from "../../../core/domain/grant.ts";
import { digest, id } from "../../../core/domain/id.ts";
import { type Instant, instant } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

export type GrantVersion = { readonly id: Grant["id"]; readonly version: number };

type GrantRow = {
  id: string;
  version: number;
  request_id: string;
  denial_id: string;
  person_realm: string | null;
  person_id: string | null;
  issuer: string;
  subject: string;
  entitlement: string;
  scope: string;
  digest: string | null;
  bind_headers: string[];
  state: GrantState;
  uses: number;
  max_uses: number | null;
  not_before_ms: number;
  expires_at_ms: number;
};

/** clock_timestamp(), floored to whole milliseconds. */
export async function databaseTime(on: Queryable): Promise<Instant> {
  const { rows } = await on.query<{ ms: number }>(
    "select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as ms",
  );
  return instant(rows[0]?.ms ?? Number.NaN);
}

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
    `select id, version, request_id, denial_id, person_realm, person_id, issuer, subject, entitlement, scope, digest,
            bind_headers, state, uses, max_uses,
            floor(extract(epoch from not_before) * 1000)::float8 as not_before_ms,
            floor(extract(epoch from expires_at) * 1000)::float8 as expires_at_ms
       from grants
      where published_version < version and tombstoned_at is null and ($1::uuid is null or id > $1)
      order by id
      limit $2`,
    [after ?? null, limit],
  );
  return rows.map(grantOf);
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

function grantOf(row: GrantRow): Grant {
  return {
    id: id("grant", row.id),
    version: row.version,
    requestId: id("request", row.request_id),
    denialId: id("denial", row.denial_id),
    person:
      row.person_realm === null || row.person_id === null ? undefined : { realm: row.person_realm, id: row.person_id },
    issuer: row.issuer,
    subject: row.subject,
    entitlement: row.entitlement,
    scope: row.scope,
    binding:
      row.digest === null
        ? { kind: "scope" }
        : { kind: "exact", digest: digest(row.digest), bindHeaders: row.bind_headers },
    state: row.state,
    uses: row.uses,
    maxUses: row.max_uses ?? "unlimited",
    notBefore: instant(row.not_before_ms),
    expiresAt: instant(row.expires_at_ms),
  };
}
