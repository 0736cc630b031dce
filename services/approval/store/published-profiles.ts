/**
 * Profiles as the profile relay sees them, on the session that holds its lock. A profile without any remaining sighting leaves the topic with a
 * tombstone, then the table.
 */
import { Type } from "typebox";
import type { Profile } from "../../../core/domain/profile.ts";
import { type DurationMs, instant } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { DueProfile } from "../ports.ts";
import { createColumnReader } from "./json-column.ts";

type ProfileRow = {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly changes: string;
  readonly now_ms: string;
  readonly observations: string | null;
  readonly since_ms: string | null;
  readonly hours: unknown;
  readonly networks: unknown;
  readonly countries: unknown;
};

const counted = { count: Type.Integer(), last: Type.Integer() };
const readHours = createColumnReader("hours", Type.Array(Type.Object({ hour: Type.Integer(), ...counted })));
const readNetworks = createColumnReader("networks", Type.Array(Type.Object({ network: Type.String(), ...counted })));
const readCountries = createColumnReader("countries", Type.Array(Type.Object({ country: Type.String(), ...counted })));

const ms = (time: string) => `floor(extract(epoch from ${time}) * 1000)::bigint`;
/** What was seen of a profile, by `column`. */
const countedBy = (column: "hour" | "network", where: string) =>
  `(select coalesce(json_agg(json_build_object('${column}', ${column}, 'count', count, 'last', last) order by ${column}), '[]')
      from (select ${column}, sum(count) as count, ${ms("max(last_seen)")} as last
              from sightings where profile_id = profiles.id${where} group by ${column}) as counted)`;

const COUNTRIES = `(select coalesce(json_agg(json_build_object('country', country, 'count', count, 'last', ${ms("last_seen")})
                                             order by country), '[]')
      from country_sightings where profile_id = profiles.id)`;

/** Changed ones that were not published within `interval`; those that wait longest first. */
export async function dueProfiles(db: Queryable, interval: DurationMs, limit: number): Promise<readonly DueProfile[]> {
  const { rows } = await db.query<ProfileRow>(
    `select id, issuer, subject, changes, greatest(version + 1, ${ms("clock_timestamp()")}) as now_ms,
            observations, since_ms, ${countedBy("hour", "")} as hours, ${countedBy("network", " and network <> ''")} as networks,
            ${COUNTRIES} as countries
       from profiles
            cross join lateral (select sum(count) as observations, ${ms("min(first_seen)")} as since_ms
                                  from sightings where profile_id = profiles.id) as whole
      where published_changes < changes and version <= ${ms("statement_timestamp()")} - $1::bigint
      order by version
      limit $2`,
    [interval, limit],
  );
  return rows.map(({ id, changes, ...row }) => ({ id, changes: BigInt(changes), profile: profileFromRow(row) }));
}

function profileFromRow(row: Omit<ProfileRow, "id" | "changes">): Profile | undefined {
  const { issuer, subject, observations, since_ms: since } = row;
  if (observations === null || since === null) return undefined;
  return {
    ...{ issuer, subject, observations: Number(observations), since: instant(Number(since)) },
    asOf: instant(Number(row.now_ms)),
    hours: readHours(row.hours).map(({ last, ...one }) => ({ ...one, last: instant(last) })),
    networks: readNetworks(row.networks).map(({ last, ...one }) => ({ ...one, last: instant(last) })),
    countries: readCountries(row.countries).map(({ last, ...one }) => ({ ...one, last: instant(last) })),
  };
}

/** A change made meanwhile stays to be published. NB: locks in the order of ids, as `touchProfiles` does, or the two could deadlock. */
export async function markProfilesPublished(db: Queryable, sent: readonly DueProfile[]): Promise<void> {
  await db.query(
    `with locked as (
       select id from profiles where id = any($1::text[]) order by id for no key update)
     update profiles set published_changes = sent.changes, version = sent.version
       from locked join unnest($1::text[], $2::bigint[], $3::bigint[]) as sent (id, changes, version) using (id)
      where profiles.id = locked.id`,
    [
      sent.map(({ id }) => id),
      sent.map(({ changes }) => changes.toString()),
      sent.map(({ profile }) => profile?.asOf ?? 0),
    ],
  );
}

/** Those that were seen again meanwhile stay. NB: in the same order. */
export async function deleteProfiles(db: Queryable, gone: readonly DueProfile[]): Promise<void> {
  await db.query(
    `with locked as (
       select id from profiles where id = any($1::text[]) order by id for update)
     delete from profiles
      using locked join unnest($1::text[], $2::bigint[]) as gone (id, changes) using (id)
      where profiles.id = locked.id and profiles.changes = gone.changes`,
    [gone.map(({ id }) => id), gone.map(({ changes }) => changes.toString())],
  );
}
