/**
 * One use of one grant, in one statement: the grant is counted up, the redemption and its event are inserted, or nothing
 * happens at all. Answers exactly like core/domain/grant.ts `redeem`; a test holds the two against each other.
 *
 * Guarantees: uses never exceed `max_uses`, across all replicas, retries and crashes, because the row lock orders all
 * redeemers and each re-reads the row under it; one redemption id counts one use at most, because a second insert of it
 * violates its key and undoes the update with it; the database clock rules (`clock_timestamp()` and not `now()`, which
 * would be the time before the wait for the lock).
 *
 * Does not guarantee: that the action behind it ran once. A reply that is lost leaves the use counted and the caller
 * denied, and an enforcer that retries its upstream may run the action twice under one redemption.
 */
import { type Redeemed, redeem, type RedemptionClaim, type RedemptionRefused } from "../../../core/domain/grant.ts";
import { instant } from "../../../core/domain/time.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";
import type { EventSource } from "./outbox.ts";
import { isUniqueViolation } from "./unique-violation.ts";

/** Undefined when the grant cannot be used so; why, says `whyNotUsed`, asked after this. */
export async function useGrant(
  db: Queryable,
  claim: RedemptionClaim,
  { ids, deployment, traceparent }: EventSource,
): Promise<Redeemed | RedemptionRefused | undefined> {
  const eventId = ids.fresh("event");
  try {
    const { rows } = await db.query<GrantRow>(
      `with used as (
         update grants
            set uses = uses + 1, version = version + 1,
                state = case when uses + 1 >= max_uses then 'consumed' else 'active' end
          where id = $2 and issuer = $3 and subject = $4 and entitlement = $5 and scope = $6
            and (digest is null or digest = $7)
            and state in ('active', 'scheduled') and (max_uses is null or uses < max_uses)
            and not_before <= clock_timestamp() and expires_at > clock_timestamp()
         returning ${GRANT_COLUMNS}, clock_timestamp() as used_at
       ), counted as (
         insert into redemptions (redemption_id, grant_id, grant_version, uses, redeemed_at)
         select $1, id, version, uses, used_at from used
       ), told as (
         insert into outbox (event_id, rings, event)
         select $8, false, ($9::jsonb || jsonb_build_object(
                  'time', to_char(used_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                  'data', ($9::jsonb -> 'data') || jsonb_build_object(
                    'by', jsonb_build_object(
                      'person', case when person_id is not null
                                     then jsonb_build_object('realm', person_realm, 'id', person_id) end,
                      'issuer', issuer, 'subject', subject, 'actors', jsonb_build_array()),
                    'denial_id', denial_id, 'request_id', request_id,
                    'policy_revision', (select policy_revision from requests where requests.id = used.request_id),
                    'uses', uses, 'max_uses', coalesce(to_jsonb(max_uses), to_jsonb('unlimited'::text)),
                    'entitlement', entitlement, 'scope', scope)))::json
           from used
       )
       select ${GRANT_COLUMNS} from used`,
      [
        claim.redemptionId,
        claim.grantId,
        claim.issuer,
        claim.subject,
        claim.entitlement,
        claim.scope,
        claim.digest ?? null,
        eventId,
        JSON.stringify(usedEvent(claim, eventId, { deployment, traceparent: traceparent?.() })),
      ],
      "redeem_grant",
    );
    const [used] = rows;
    return used === undefined ? undefined : { kind: "redeemed", grant: grantFromRow(used) };
  } catch (error) {
    if (isUniqueViolation(error, "redemptions_pkey")) return { kind: "refused", reason: "duplicate" };
    throw error;
  }
}

/**
 * Nothing was updated: reads why, by the domain's own rule. NB: never answers redeemed. A statement of its own, since the one that waited for
 * the row sees it as it was before the wait.
 */
export async function whyNotUsed(db: Queryable, claim: RedemptionClaim): Promise<RedemptionRefused> {
  const { rows } = await db.query<
    (GrantRow | { readonly id: null }) & { readonly now: Date; readonly is_repeated: boolean }
  >(
    `select ${GRANT_COLUMNS}, clock_timestamp() as now,
            exists (select 1 from redemptions where redemption_id = $2) as is_repeated
       from (select) as asked left join grants on id = $1`,
    [claim.grantId, claim.redemptionId],
  );
  const [row] = rows;
  if (row?.is_repeated === true) return { kind: "refused", reason: "duplicate" };
  if (row === undefined || row.id === null) return { kind: "refused", reason: "unknown_grant" };
  const answer = redeem(grantFromRow(row), claim, instant(row.now.getTime()));
  // It became usable between the two statements: its start has just passed.
  return answer.kind === "refused" ? answer : { kind: "refused", reason: "not_yet_active" };
}

/** The event as core/messages lays it out; what only the row knows is filled in by the statement. */
function usedEvent(
  claim: RedemptionClaim,
  eventId: Parameters<typeof unsealedEvent>[1],
  from: Parameters<typeof unsealedEvent>[3],
) {
  return unsealedEvent(
    {
      type: "grant.used",
      by: { kind: "account", person: undefined, issuer: "", subject: "", actors: [] },
      denialId: undefined,
      requestId: undefined,
      grantId: claim.grantId,
      policyRevision: undefined,
      data: { redemptionId: claim.redemptionId, uses: 0, maxUses: 1, entitlement: "", scope: "" },
    },
    eventId,
    instant(0),
    from,
  );
}
