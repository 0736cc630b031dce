/** Statements on `grants`, except the one that uses them (redeem-grant.ts). */
import { AppError } from "../../../core/domain/app-error.ts";
import { asOf, type Grant } from "../../../core/domain/grant.ts";
import type { Id } from "../../../core/domain/id.ts";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { GrantFilter, Listed, Page } from "../rest/ports.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";
import { pageOf } from "./page.ts";

export async function insertGrant(db: Queryable, grant: Grant): Promise<void> {
  await db.query(
    `insert into grants (id, version, request_id, denial_id, person_realm, person_id, issuer, subject, actors,
       entitlement, scope, digest, bind_headers, state, uses, max_uses, not_before, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
    [
      grant.id,
      grant.version,
      grant.requestId,
      grant.denialId,
      grant.person?.realm ?? null,
      grant.person?.id ?? null,
      grant.issuer,
      grant.subject,
      JSON.stringify(grant.actors),
      grant.entitlement,
      grant.scope,
      grant.binding.kind === "exact" ? grant.binding.digest : null,
      grant.binding.kind === "exact" ? grant.binding.bindHeaders : [],
      grant.state,
      grant.uses,
      grant.maxUses === "unlimited" ? null : grant.maxUses,
      rfc3339(grant.notBefore),
      rfc3339(grant.expiresAt),
    ],
  );
}

/** With the time of the statement, by which it is shown. */
const SHOWN_COLUMNS = `${GRANT_COLUMNS}, statement_timestamp() as now`;
type ShownRow = GrantRow & { readonly now: Date };

/** `stateAt` of core/domain/grant.ts, to filter by. */
const STATE_NOW = `case when state not in ('scheduled', 'active') then state when expires_at <= statement_timestamp() then 'expired'
                        when not_before > statement_timestamp() then 'scheduled' else 'active' end`;

/** In the words of the index `grants_open_by_end`. */
const OPEN_NOW = "and state in ('scheduled', 'active') and expires_at > statement_timestamp()";

function shownFromRow(row: ShownRow): Grant {
  return asOf(grantFromRow(row), instant(row.now.getTime()));
}

/** As it stands at this moment, begun or ended by time included. */
export async function findGrant(db: Queryable, grantId: Id<"grant">): Promise<Grant | undefined> {
  const { rows } = await db.query<ShownRow>(`select ${SHOWN_COLUMNS} from grants where id = $1`, [grantId]);
  return rows.map(shownFromRow)[0];
}

/** As it stands at this moment. */
export async function findGrantOfRequest(db: Queryable, requestId: Id<"request">): Promise<Grant | undefined> {
  const { rows } = await db.query<ShownRow>(`select ${SHOWN_COLUMNS} from grants where request_id = $1`, [requestId]);
  return rows.map(shownFromRow)[0];
}

/** As it was written last. */
export async function lockGrant(db: Queryable, grantId: Id<"grant">): Promise<Grant | undefined> {
  const { rows } = await db.query<GrantRow>(`select ${GRANT_COLUMNS} from grants where id = $1 for update`, [grantId]);
  return rows.map(grantFromRow)[0];
}

/** Expired grants that are not marked so; rows locked by another transaction are left for the next sweep. */
export async function lockExpiredGrants(db: Queryable, limit: number): Promise<readonly Grant[]> {
  const { rows } = await db.query<GrantRow>(
    `select ${GRANT_COLUMNS} from grants
      where state in ('scheduled', 'active') and expires_at <= statement_timestamp()
      order by expires_at limit $1 for update skip locked`,
    [limit],
  );
  return rows.map(grantFromRow);
}

/** @throws AppError conflict when the stored version is not the one before. */
export async function saveGrant(db: Queryable, grant: Grant): Promise<void> {
  const { rowCount } = await db.query(
    "update grants set state = $3, uses = $4, version = $2 where id = $1 and version = $2 - 1",
    [grant.id, grant.version, grant.state, grant.uses],
  );
  if (rowCount !== 1) throw new AppError("conflict", "the grant was changed meanwhile");
}

/** Usable by the database clock, now or later: the condition of redeem-grant.ts but for the beginning. */
export async function openGrants(db: Queryable, issuer: string, subject: string): Promise<readonly Grant[]> {
  const { rows } = await db.query<GrantRow>(
    `select ${GRANT_COLUMNS} from grants
      where issuer = $1 and subject = $2 and state in ('active', 'scheduled')
        and (max_uses is null or uses < max_uses)
        and expires_at > clock_timestamp()
      order by expires_at, id`,
    [issuer, subject],
  );
  return rows.map(grantFromRow);
}

/**
 * Newest first. A requester sees the grants of their account and of their person; `stake` adds those of requests in which they have one, as
 * `hasAStakeIn` says, and without a state means those that are not over: no index finds what one has a stake in, so few rows have to be looked at.
 */
export async function listGrants(db: Queryable, filter: GrantFilter, page: Page<"grant">): Promise<Listed<Grant>> {
  const { visibility, state, entitlement } = filter;
  const own = visibility.kind === "everything" ? undefined : visibility;
  const isOpen = state === undefined ? visibility.kind === "stake" : state === "scheduled" || state === "active";
  const { rows, more } = await pageOf<ShownRow>(db, {
    select: `select ${SHOWN_COLUMNS} from grants
      where ($1 or (issuer = $2 and subject = $3) or (person_realm = $4 and person_id = $5)
             or ($9 and exists (
                   select from requests
                    where requests.id = grants.request_id
                      and (reviewer_sets && $10::text[]
                           or exists (select from json_array_elements(requester -> 'actor_persons') as actor
                                       where actor ->> 'realm' = $4 and actor ->> 'id' = $5)))))
        ${isOpen ? OPEN_NOW : ""} and ($6::text is null or $6 = ${STATE_NOW}) and ($7::text is null or entitlement = $7)
        and ($8::uuid is null or id < $8)`,
    order: "id desc",
    values: [
      visibility.kind === "everything",
      own?.issuer ?? null,
      own?.subject ?? null,
      own?.person?.realm ?? null,
      own?.person?.id ?? null,
      state ?? null,
      entitlement ?? null,
      page.before ?? null,
      visibility.kind === "stake",
      visibility.kind === "stake" ? visibility.sets : [],
    ],
    limit: page.limit,
  });
  return { rows: rows.map(shownFromRow), more };
}
