/**
 * Uses of grants in one statement, for one use or several, of one grant or many: each grant is incremented once for all of its uses, each use's
 * redemption and event are inserted, or nothing happens at all. The outcomes equal those of core/domain/grant.ts `redeem`; a test compares the
 * two.
 *
 * Guarantees: uses never exceed `max_uses`, across all replicas, retries and crashes, because the row lock orders all redeemers and each re-reads
 * the row under it. One redemption id counts at most one use, because a second insert violates its key and undoes the update with it. The
 * database clock rules (`clock_timestamp()` and not `now()`, which would be the time before the wait for the lock).
 *
 * Does not guarantee that the action behind it ran once. If the reply is lost, the use stays counted and the caller is denied, and an enforcer
 * that retries its upstream may run the action twice under one redemption.
 */
import { type Redeemed, redeem, type RedemptionClaim, type RedemptionRefused } from "../../../core/domain/grant.ts";
import type { Id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";
import type { EventSource } from "./outbox.ts";

/** One requested use, with the event that will report it. */
export type Use = { readonly claim: RedemptionClaim; readonly eventId: Id<"event">; readonly event: string };

/** NB: call it in the caller's context, whose trace the event names. */
export function useOf(claim: RedemptionClaim, { ids, deployment, traceparent }: EventSource): Use {
  const eventId = ids.fresh("event");
  return {
    claim,
    eventId,
    event: JSON.stringify(usedEvent(claim, eventId, { deployment, traceparent: traceparent?.() })),
  };
}

/** Of one use that was asked for: the grant as it is after it; or it cannot be used so (why, says `whyNoneUsed`); or somebody holds its row. */
export type Tried = Redeemed | { readonly kind: "not_used" | "held" };

/**
 * Several, in their order, which also is the order in which those of one grant are counted. `waits`: for rows that somebody holds; otherwise
 * what becomes of these is `held`, and they were not tried. All or none: a redemption id that was used before is a violation of
 * `redemptions_pkey`, and nothing of the whole statement has happened.
 */
export async function useGrants(
  db: Queryable,
  uses: readonly Use[],
  { waits }: { readonly waits: boolean },
): Promise<readonly Tried[]> {
  const { rows } = await db.query<(UsedRow | { readonly id: null }) & { readonly place: number }>(
    waits ? USE : USE_WHAT_IS_FREE,
    parameters(uses),
    waits ? "use_grants" : "use_free_grants",
  );
  const tried: Tried[] = uses.map(() => ({ kind: waits ? "not_used" : "held" }));
  for (const row of rows) tried[row.place - 1] = row.id === null ? { kind: "not_used" } : redeemedFrom(row);
  return tried;
}

/** The grant after all of its uses in the statement, and which of them this one is. */
type UsedRow = GrantRow & { readonly nth: number; readonly used_now: number };

function redeemedFrom(row: UsedRow): Redeemed {
  const later = row.used_now - row.nth;
  const grant = grantFromRow(row);
  if (later === 0) return { kind: "redeemed", grant };
  return {
    kind: "redeemed",
    grant: { ...grant, uses: grant.uses - later, version: grant.version - later, state: "active" },
  };
}

/** NB: whether a grant can be used is decided under the row lock, on the row as it is then; UPDATE repeats the conditions that must never be violated. */
const statement = (lock: string) => `with asked as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::jsonb[], $10::jsonb[])
      with ordinality
      as asked (redemption_id, grant_id, by_issuer, by_subject, for_entitlement, for_scope, with_digest, event_id, event, by_actors, place)
  ), locked as (
    select id as locked_id, issuer as of_issuer, subject as of_subject, actors as of_actors, entitlement as of_entitlement, scope as of_scope,
           digest as of_digest, state as state_now, max_uses - uses as uses_left, not_before as from_time, expires_at as until_time
      from grants where id = any ($2::uuid[]) for no key update ${lock}
  ), fitting as (
    select redemption_id, grant_id, event_id, event, place, uses_left,
           row_number() over (partition by grant_id order by place)::int as nth
      from asked join locked on locked_id = grant_id
     where of_issuer = by_issuer and of_subject = by_subject and of_actors = by_actors and of_entitlement = for_entitlement
       and of_scope = for_scope and (of_digest is null or of_digest = with_digest)
       and state_now in ('active', 'scheduled') and from_time <= clock_timestamp() and until_time > clock_timestamp()
  ), chosen as (
    select * from fitting where uses_left is null or nth <= uses_left
  ), used as (
    update grants
       set uses = uses + used_now, version = version + used_now,
           state = case when uses + used_now >= max_uses then 'consumed' else 'active' end
      from (select grant_id, count(*)::int as used_now from chosen group by grant_id) as counted
     where id = grant_id and state in ('active', 'scheduled') and (max_uses is null or uses + used_now <= max_uses)
    returning ${GRANT_COLUMNS}, clock_timestamp() as used_at, used_now
  ), kept as (
    insert into redemptions (redemption_id, grant_id, grant_version, uses, redeemed_at)
    select redemption_id, id, version - used_now + nth, uses - used_now + nth, used_at from chosen join used on id = grant_id
  ), told as (
    insert into outbox (event_id, rings, event)
    select event_id, false, (event || jsonb_build_object(
             'time', to_char(used_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
             'data', (event -> 'data') || jsonb_build_object(
               'by', jsonb_build_object(
                 'person', case when person_id is not null
                                then jsonb_build_object('realm', person_realm, 'id', person_id) end,
                 'issuer', issuer, 'subject', subject, 'actors', actors),
               'denial_id', denial_id, 'request_id', request_id,
               'policy_revision', (select policy_revision from requests where requests.id = used.request_id),
               'uses', uses - used_now + nth, 'max_uses', coalesce(to_jsonb(max_uses), to_jsonb('unlimited'::text)),
               'entitlement', entitlement, 'scope', scope)))::json
      from chosen join used on id = grant_id order by place
  )
  select ${GRANT_COLUMNS}, nth, used_now, asked.place::int as place
    from asked join locked on locked_id = asked.grant_id
    left join chosen on chosen.place = asked.place left join used on id = chosen.grant_id`;

const USE = statement("");
const USE_WHAT_IS_FREE = statement("skip locked");

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
    of(({ claim }) => JSON.stringify(claim.actors)),
  ];
}

/**
 * Of these nothing was counted: reads why, by the domain's own rule, in their order. NB: never answers redeemed. A statement of its own, since the
 * one that waited for a row sees it as it was before the wait.
 */
export async function whyNoneUsed(
  db: Queryable,
  claims: readonly RedemptionClaim[],
): Promise<readonly RedemptionRefused[]> {
  const { rows } = await db.query<
    (GrantRow | { readonly id: null }) & { readonly now: Date; readonly is_repeated: boolean }
  >(
    `select ${GRANT_COLUMNS}, clock_timestamp() as now,
            exists (select 1 from redemptions where redemption_id = asked_id) as is_repeated
       from unnest($1::uuid[], $2::uuid[]) with ordinality as asked (of_grant, asked_id, place)
       left join grants on id = of_grant order by place`,
    [claims.map(({ grantId }) => grantId), claims.map(({ redemptionId }) => redemptionId)],
    "why_none_used",
  );
  return claims.map((claim, at) => {
    const row = rows[at];
    if (row?.is_repeated === true) return { kind: "refused", reason: "duplicate" };
    if (row === undefined || row.id === null) return { kind: "refused", reason: "unknown_grant" };
    const answer = redeem(grantFromRow(row), claim, instant(row.now.getTime()));
    // It became usable between the two statements: its start time has just passed.
    return answer.kind === "refused" ? answer : { kind: "refused", reason: "not_yet_active" };
  });
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
