/**
 * Profiles as the profile relay sees them, on the session that holds its lock. A profile of an account that was not seen leaves the topic with a
 * tombstone, then the table. NB: of the days that a row holds only those within `keepDays` of its last one are told of. Older ones are dropped when
 * the row is next counted (`countTraits`), which is after a call at that hour was judged; they are there after migration 0017, and after `keepDays`
 * was lowered.
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
  readonly traits: unknown;
};

const readTraits = createColumnReader(
  "traits",
  Type.Array(
    Type.Object({
      kind: Type.String(),
      value: Type.String(),
      days: Type.Integer(),
      first: Type.Integer(),
      last: Type.Integer(),
    }),
  ),
);

const ms = (time: string) => `floor(extract(epoch from ${time}) * 1000)::bigint`;

const TRAITS = `(select coalesce(json_agg(json_build_object('kind', kind, 'value', value, 'days', kept, 'first', ${ms("first_seen")},
                                                           'last', ${ms("last_seen")}) order by kind, value), '[]')
                   from traits
                        cross join lateral (select count(*) as kept from unnest(days) as seen (day) where day > days[1] - $3::int) as counted
                  where profile_id = profiles.id)`;

/** Changed ones that were not published within `interval`; those that wait longest first. */
export async function dueProfiles(
  db: Queryable,
  { interval, keepDays }: { readonly interval: DurationMs; readonly keepDays: number },
  limit: number,
): Promise<readonly DueProfile[]> {
  const { rows } = await db.query<ProfileRow>(
    `select id, issuer, subject, changes, greatest(version + 1, ${ms("clock_timestamp()")}) as now_ms, ${TRAITS} as traits
       from profiles
      where published_changes < changes and version <= ${ms("statement_timestamp()")} - $1::bigint
      order by version
      limit $2`,
    [interval, limit, keepDays],
  );
  return rows.map(({ id, changes, ...row }) => ({ id, changes: BigInt(changes), profile: profileFromRow(row) }));
}

function profileFromRow({
  issuer,
  subject,
  now_ms: nowMs,
  ...row
}: Omit<ProfileRow, "id" | "changes">): Profile | undefined {
  const traits = readTraits(row.traits);
  const account = traits.find(({ kind }) => kind === "account");
  if (account === undefined) return undefined;
  const of = (wanted: string) =>
    traits.filter(({ kind }) => kind === wanted).map(({ value, days, last }) => ({ value, days, last: instant(last) }));
  return {
    ...{ issuer, subject, days: account.days, since: instant(account.first), asOf: instant(Number(nowMs)) },
    hours: of("hour").map(({ value, ...counted }) => ({ hour: Number(value), ...counted })),
    networks: of("network").map(({ value, ...counted }) => ({ network: value, ...counted })),
    countries: of("country").map(({ value, ...counted }) => ({ country: value, ...counted })),
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
