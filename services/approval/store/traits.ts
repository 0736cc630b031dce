/**
 * What was seen of accounts, counted in days, from which profiles are made. NB: `touchProfiles` comes before the other writes of a transaction: it
 * locks the profiles in order of their ids. So two logs about the same accounts wait for each other and never deadlock, and what was counted under
 * the lock is counted once.
 */
import { MOST_DAYS, MOST_FAMILIAR, MOST_RECENT, type Trait } from "../../../core/domain/profile.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import { profileId } from "../../../core/messages/profile-record.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

/** The calendar day; `sightingOf` has the hour in the same zone. */
const dayOf = (time: string) => `(${time} at time zone 'UTC')::date`;

/**
 * Those of a later day than was counted; an earlier one, told of late, never counts. NB: a decision service whose clock is ahead must not make an
 * account count as seen in the future.
 */
const OF_ANOTHER_DAY = `unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) with ordinality
                 as given (profile_id, kind, value, told_at, position)
               cross join lateral (select least(told_at, clock_timestamp()) as seen_at) as clock
               left join traits using (profile_id, kind, value)
         where days is null or days[1] < ${dayOf("seen_at")}`;

function columnsOf(traits: readonly Trait[]) {
  return [
    traits.map(profileId),
    traits.map(({ kind }) => kind),
    traits.map(({ value }) => value),
    traits.map(({ at }) => rfc3339(at)),
  ];
}

/** Those that were not counted on their day; without a lock, since most were. */
export async function newTraits(db: Queryable, traits: readonly Trait[]): Promise<readonly Trait[]> {
  const { rows } = await db.query<{ position: string }>(`select position from ${OF_ANOTHER_DAY}`, columnsOf(traits));
  const found = new Set(rows.map((row) => Number(row.position) - 1));
  return traits.filter((_, index) => found.has(index));
}

/** Locks these profiles, and has them published again. */
export async function touchProfiles(db: Queryable, traits: readonly Trait[]): Promise<void> {
  await db.query(
    `insert into profiles (id, issuer, subject)
     select distinct on (id) id, issuer, subject
       from unnest($1::text[], $2::text[], $3::text[]) as given (id, issuer, subject)
      order by id
     on conflict (id) do update set changes = profiles.changes + 1`,
    [traits.map(profileId), traits.map(({ issuer }) => issuer), traits.map(({ subject }) => subject)],
  );
}

/**
 * Counts the days of each that were not counted, as another transaction may have done before the profiles were locked. Days further than `keepDays`
 * before the last one are forgotten, or rare nights of work would add up over the years.
 */
export async function countTraits(db: Queryable, traits: readonly Trait[], keepDays: number): Promise<void> {
  await db.query(
    `insert into traits (profile_id, kind, value, days, first_seen, last_seen)
     select profile_id, kind, value, (array_agg(distinct ${dayOf("seen_at")} order by ${dayOf("seen_at")} desc))[1:$6::int],
            min(seen_at), max(seen_at)
       from ${OF_ANOTHER_DAY}
      group by profile_id, kind, value
     on conflict (profile_id, kind, value) do update
       set days = array(select day from unnest(excluded.days || traits.days) as seen (day)
                         where day > excluded.days[1] - $5::int order by day desc limit $6::int),
           last_seen = excluded.last_seen`,
    [...columnsOf(traits), keepDays, MOST_DAYS],
  );
}

/** Deletes all networks and countries of these accounts except the most familiar ones and, of the others, those seen last. */
export async function boundTraits(db: Queryable, traits: readonly Trait[]): Promise<void> {
  await db.query(
    `delete from traits
      using (select profile_id, kind, value, familiar,
                    row_number() over (partition by profile_id, kind, familiar > $2 order by last_seen desc, value) as recent
               from (select profile_id, kind, value, last_seen,
                            row_number() over (partition by profile_id, kind
                                               order by cardinality(days) desc, last_seen desc, value) as familiar
                       from traits
                      where profile_id = any($1::text[]) and kind in ('network', 'country')) as ranked) as placed
      where traits.profile_id = placed.profile_id and traits.kind = placed.kind and traits.value = placed.value
        and familiar > $2 and recent > $3`,
    [[...new Set(traits.map(profileId))], MOST_FAMILIAR, MOST_RECENT],
  );
}

/** Deletes what was not seen since, from at most `limit` profiles, and has these published again. Returns how many. */
export async function forgetTraits(db: Queryable, before: Instant, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `with due as (
       select id from profiles
        where id in (select profile_id from traits where last_seen < $1 order by last_seen limit $2)
        order by id for update skip locked),
     forgotten as (
       delete from traits using due where profile_id = due.id and last_seen < $1)
     update profiles set changes = changes + 1 from due where profiles.id = due.id`,
    [rfc3339(before), limit],
  );
  return rowCount ?? 0;
}
