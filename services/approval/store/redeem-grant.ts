/**
 * Uses of grants, one statement for one or for several: the grant is counted up, the redemption and its event are inserted, or nothing
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
import type { Id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";
import type { EventSource } from "./outbox.ts";
import { isUniqueViolation } from "./unique-violation.ts";

/** One use that is asked for, with the event that will tell of it. */
export type Use = { readonly claim: RedemptionClaim; readonly eventId: Id<"event">; readonly event: string };

/** NB: called where whoever asks is, whose trace the event names. */
export function useOf(claim: RedemptionClaim, { ids, deployment, traceparent }: EventSource): Use {
  const eventId = ids.fresh("event");
  return {
    claim,
    eventId,
    event: JSON.stringify(usedEvent(claim, eventId, { deployment, traceparent: traceparent?.() })),
  };
}

/** Waits for the grant's row. Undefined when the grant cannot be used so; why, says `whyNotUsed`, asked after this. */
export async function useGrant(db: Queryable, use: Use): Promise<Redeemed | RedemptionRefused | undefined> {
  try {
    const { rows } = await db.query<GrantRow>(USE, parameters([use]), "use_grant");
    const [used] = rows;
    return used === undefined ? undefined : { kind: "redeemed", grant: grantFromRow(used) };
  } catch (error) {
    if (isUniqueViolation(error, "redemptions_pkey")) return { kind: "refused", reason: "duplicate" };
    throw error;
  }
}

/**
 * Several, each of another grant: by the grant's id the grant as it is after the use, or `not_used` where it cannot be used so, of which
 * `whyNotUsed` says why. One that is missing was not tried: somebody holds its grant's row, and nobody waits here; `useGrant` does. All or
 * none: a redemption id that was used before is a fault of the whole statement, and nothing of it has happened.
 */
export async function useGrants(
  db: Queryable,
  uses: readonly Use[],
): Promise<ReadonlyMap<string, Redeemed | { readonly kind: "not_used" }>> {
  const { rows } = await db.query<(GrantRow | { readonly id: null }) & { readonly grant_id: string }>(
    USE_WHAT_IS_FREE,
    parameters(uses),
    "use_grants",
  );
  return new Map(
    rows.map((row) => [
      row.grant_id,
      row.id === null ? { kind: "not_used" } : { kind: "redeemed", grant: grantFromRow(row) },
    ]),
  );
}

/** `tried`: which of those that are asked for. */
const statement = ({
  before = "",
  tried,
  answer,
}: {
  before?: string;
  tried: string;
  answer: string;
}) => `with asked as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::jsonb[])
      as asked (redemption_id, grant_id, by_issuer, by_subject, for_entitlement, for_scope, with_digest, event_id, event)
  )${before}, used as (
    update grants
       set uses = uses + 1, version = version + 1,
           state = case when uses + 1 >= max_uses then 'consumed' else 'active' end
      from ${tried}
     where id = grant_id and issuer = by_issuer and subject = by_subject and entitlement = for_entitlement
       and scope = for_scope and (digest is null or digest = with_digest)
       and state in ('active', 'scheduled') and (max_uses is null or uses < max_uses)
       and not_before <= clock_timestamp() and expires_at > clock_timestamp()
    returning ${GRANT_COLUMNS}, clock_timestamp() as used_at, redemption_id, event_id, event
  ), counted as (
    insert into redemptions (redemption_id, grant_id, grant_version, uses, redeemed_at)
    select redemption_id, id, version, uses, used_at from used
  ), told as (
    insert into outbox (event_id, rings, event)
    select event_id, false, (event || jsonb_build_object(
             'time', to_char(used_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
             'data', (event -> 'data') || jsonb_build_object(
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
  select ${GRANT_COLUMNS}, ${answer}`;

const USE = statement({ tried: "asked", answer: "redemption_id from used" });
const USE_WHAT_IS_FREE = statement({
  before: `, free as (
    select id as free_id from grants where id = any ($2::uuid[]) for no key update skip locked
  )`,
  tried: "asked join free on free_id = grant_id",
  // NB: by the grant, which is one use's alone; two may ask under one redemption id, and only one of them be used.
  answer: "grant_id from asked join free on free_id = grant_id left join used on id = grant_id",
});

function parameters(uses: readonly Use[]): readonly unknown[] {
  const of = <T>(pick: (use: Use) => T) => uses.map(pick);
  return [
    of(({ claim }) => claim.redemptionId),
    of(({ claim }) => claim.grantId),
    of(({ claim }) => claim.issuer),
    of(({ claim }) => claim.subject),
    of(({ claim }) => claim.entitlement),
    of(({ claim }) => claim.scope),
    of(({ claim }) => claim.digest ?? null),
    of(({ eventId }) => eventId),
    of(({ event }) => event),
  ];
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
