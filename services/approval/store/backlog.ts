/** What waits in the database. */
import type { Queryable } from "../../../platform/postgres/pool.ts";

type Row = { queue: string; count: string; oldest_s: number | null };

/**
 * Depth and age of each queue. The age of a republished decision is that of its record: the table has no time of its own. NB: of those that grow
 * while the stream is away the first row is looked at, since to look at the time of each is seconds where they are hundreds of thousands. NB: to
 * take a member out of JSON PostgreSQL reads all its texts, and a path that an API client named may hold U+0000, which it has no text for.
 */
export async function backlog(database: Queryable): Promise<readonly Row[]> {
  const { rows } = await database.query<Row>(
    `select 'outbox' as queue, count(*) as count,
            extract(epoch from clock_timestamp() - (select created_at from outbox order by id limit 1))::float8 as oldest_s
       from outbox
     union all
     select 'republish', count(*),
            extract(epoch from clock_timestamp() - (
              select (replace(event::text, '\\u0000', '\\u0020')::json ->> 'time')::timestamptz from republish order by id limit 1))::float8
       from republish
     union all
     select 'quarantine', count(*), extract(epoch from clock_timestamp() - min(quarantined_at))::float8
       from quarantine where replayed_at is null and dismissed_at is null
     union all
     select 'notifications', count(*), extract(epoch from clock_timestamp() - min(created_at))::float8
       from notifications where delivered_at is null`,
  );
  return rows;
}

/** Of quarantined records that are still open. */
export async function quarantinedBytes(database: Queryable): Promise<readonly { topic: string; bytes: string }[]> {
  const { rows } = await database.query<{ topic: string; bytes: string }>(
    `select topic, coalesce(sum(octet_length(record_value)), 0) as bytes
       from quarantine where replayed_at is null and dismissed_at is null group by topic`,
  );
  return rows;
}
