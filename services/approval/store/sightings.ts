/**
 * Sightings, from which profiles are made. NB: `touchProfiles` comes before the other writes of a transaction: it locks the profiles in order of
 * their ids, so two logs about the same accounts wait for each other and never deadlock.
 */
import { MOST_COUNTRIES, MOST_NETWORKS, type Sighting } from "../../../core/domain/profile.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import { profileId } from "../../../core/messages/profile-record.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

/** Shortest time between two counted sightings of the same hour and network. */
const APART = "interval '10 minutes'";
/** NB: a decision service whose clock is ahead must not make an account count as seen in the future. */
const GIVEN = `unnest($1::text[], $2::smallint[], $3::text[], $4::timestamptz[]) with ordinality
                 as given (profile_id, hour, network, told_at, position)
               cross join lateral (select least(told_at, clock_timestamp()) as seen_at) as clock`;

function columnsOf(sightings: readonly Sighting[]) {
  return [
    sightings.map(profileId),
    sightings.map(({ hour }) => hour),
    sightings.map(({ network }) => network),
    sightings.map(({ at }) => rfc3339(at)),
  ];
}

/** Those whose hour and network were not counted in the ten minutes before; without a lock, since most were. */
export async function newSightings(db: Queryable, sightings: readonly Sighting[]): Promise<readonly Sighting[]> {
  const { rows } = await db.query<{ position: string }>(
    `select position
       from ${GIVEN} left join sightings using (profile_id, hour, network)
      where last_seen is null or last_seen <= seen_at - ${APART}`,
    columnsOf(sightings),
  );
  const found = new Set(rows.map((row) => Number(row.position) - 1));
  return sightings.filter((_, index) => found.has(index));
}

/** Locks these profiles, and has them published again. */
export async function touchProfiles(db: Queryable, sightings: readonly Sighting[]): Promise<void> {
  await db.query(
    `insert into profiles (id, issuer, subject)
     select distinct on (id) id, issuer, subject
       from unnest($1::text[], $2::text[], $3::text[]) as given (id, issuer, subject)
      order by id
     on conflict (id) do update set changes = profiles.changes + 1`,
    [sightings.map(profileId), sightings.map(({ issuer }) => issuer), sightings.map(({ subject }) => subject)],
  );
}

/** Counts each, unless another transaction did so within ten minutes. Each hour and network of an account at most once per call. */
export async function countSightings(db: Queryable, sightings: readonly Sighting[]): Promise<void> {
  await db.query(
    `insert into sightings (profile_id, hour, network, count, first_seen, last_seen)
     select profile_id, hour, network, 1, seen_at, seen_at from ${GIVEN}
     on conflict (profile_id, hour, network) do update
       set count = sightings.count + 1, last_seen = excluded.last_seen
     where sightings.last_seen <= excluded.last_seen - ${APART}`,
    columnsOf(sightings),
  );
}

/** Deletes all networks of these accounts except those seen last. */
export async function boundNetworks(db: Queryable, sightings: readonly Sighting[]): Promise<void> {
  await db.query(
    `delete from sightings
      using (select profile_id, network,
                    row_number() over (partition by profile_id order by max(last_seen) desc, network) as place
               from sightings
              where profile_id = any($1::text[])
              group by profile_id, network) as ranked
      where sightings.profile_id = ranked.profile_id and sightings.network = ranked.network and place > $2`,
    [sightings.map(profileId), MOST_NETWORKS],
  );
}

/** Counts the country of each, at most once in ten minutes. */
export async function countCountries(db: Queryable, sightings: readonly Sighting[]): Promise<void> {
  await db.query(
    `insert into country_sightings (profile_id, country, count, first_seen, last_seen)
     select profile_id, country, 1, max(seen_at), max(seen_at)
       from unnest($1::text[], $2::text[], $3::timestamptz[]) as given (profile_id, country, told_at)
            cross join lateral (select least(told_at, clock_timestamp()) as seen_at) as clock
      group by profile_id, country
     on conflict (profile_id, country) do update
       set count = country_sightings.count + 1, last_seen = excluded.last_seen
     where country_sightings.last_seen <= excluded.last_seen - ${APART}`,
    [sightings.map(profileId), sightings.map(({ country }) => country), sightings.map(({ at }) => rfc3339(at))],
  );
}

/** Deletes all countries of these accounts except those seen last. */
export async function boundCountries(db: Queryable, sightings: readonly Sighting[]): Promise<void> {
  await db.query(
    `delete from country_sightings
      using (select profile_id, country,
                    row_number() over (partition by profile_id order by last_seen desc, country) as place
               from country_sightings
              where profile_id = any($1::text[])) as ranked
      where country_sightings.profile_id = ranked.profile_id and country_sightings.country = ranked.country and place > $2`,
    [sightings.map(profileId), MOST_COUNTRIES],
  );
}

/** Deletes what was not seen since, from at most `limit` profiles, and has these published again. Returns how many. */
export async function forgetSightings(db: Queryable, before: Instant, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `with due as (
       select id from profiles
        where id in (select profile_id
                       from (select profile_id, last_seen from sightings
                             union all
                             select profile_id, last_seen from country_sightings) as seen
                      where last_seen < $1 order by last_seen limit $2)
        order by id for update skip locked),
     forgotten as (
       delete from sightings using due where profile_id = due.id and last_seen < $1),
     forgotten_countries as (
       delete from country_sightings using due where profile_id = due.id and last_seen < $1)
     update profiles set changes = changes + 1 from due where profiles.id = due.id`,
    [rfc3339(before), limit],
  );
  return rowCount ?? 0;
}
