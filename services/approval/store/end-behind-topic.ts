/**
 * Ends grants of which the state topic has a newer version than the database: the database was set back, by a restore or a failover that lost
 * commits, and has forgotten what was used and revoked meanwhile. NB: such a row must never be honoured again, or a used-up grant could be used
 * once more. So it gets a version above the topic's and is revoked, on record; with that, readers become fresh again.
 */
import type { Grant } from "../../../core/domain/grant.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";

/** `version` is the topic's. */
type Behind = { readonly id: Grant["id"]; readonly version: number };

/** `isRevoked`: revoked here; a grant that had already ended keeps its end. */
type EndedBehind = { readonly grant: Grant; readonly isRevoked: boolean; readonly policyRevision: string };

/** Those of them that were behind, as they are now. */
export async function endBehindTopic(db: Queryable, behind: readonly Behind[]): Promise<readonly EndedBehind[]> {
  const { rows } = await db.query<GrantRow & { readonly is_revoked: boolean; readonly policy_revision: string }>(
    `with overtaken as (
       select grants.id as grant_id, on_topic, state not in ('consumed', 'expired', 'revoked') as is_revoked
         from grants join unnest($1::uuid[], $2::int[]) as given (id, on_topic) on given.id = grants.id
        where version < on_topic and tombstoned_at is null
        order by grants.id for update of grants)
     update grants set version = on_topic + 1, state = case when is_revoked then 'revoked' else state end
       from overtaken
      where id = grant_id
  returning ${GRANT_COLUMNS}, is_revoked,
            (select policy_revision from requests where requests.id = grants.request_id) as policy_revision`,
    [behind.map(({ id }) => id), behind.map(({ version }) => version)],
  );
  return rows.map((row) => ({
    grant: grantFromRow(row),
    isRevoked: row.is_revoked,
    policyRevision: row.policy_revision,
  }));
}
