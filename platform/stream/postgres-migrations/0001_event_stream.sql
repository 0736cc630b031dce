-- The event stream in Postgres: topics, their records, and the functions that are all a user of the stream may call (publish, ranges, read,
-- list_topics, clean). Forward only. The schema is made before this runs; everything here is named in full, so that no search path can change what is meant.

create table event_stream.topics (
  id           int    generated always as identity primary key,
  topic        text   not null unique check (topic ~ '^[A-Za-z0-9._-]{1,249}$'),
  partitions   int    not null check (partitions between 1 and 1000),
  cleanup      text   not null check (cleanup in ('delete', 'compact')),
  -- delete: age at which a record goes; compact: age at which a tombstone goes. Null: never.
  retention_ms bigint check (retention_ms >= 0)
);

-- Who may read and write a topic, besides the owner of this schema. No row: nobody.
create table event_stream.access (
  topic_id int  not null references event_stream.topics on delete cascade,
  role     name not null,
  action   text not null check (action in ('read', 'write')),
  primary key (topic_id, role, action)
);

-- The next offset of each partition. Whoever publishes holds its row until commit, so offsets are given in the order of commits and a
-- reader that sees offset n sees everything below it. Apart from what cleaning writes, which must never make a publisher wait.
create table event_stream.heads (
  topic_id  int    not null references event_stream.topics on delete cascade,
  partition int    not null,
  next      bigint not null default 0,
  primary key (topic_id, partition)
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table event_stream.cleaned (
  topic_id     int    not null references event_stream.topics on delete cascade,
  partition    int    not null,
  -- Records below were removed by age. Compaction does not move it.
  earliest     bigint not null default 0,
  -- Below it every key of a compacted topic has been looked at.
  compacted_to bigint not null default 0,
  primary key (topic_id, partition)
);

create table event_stream.records (
  topic_id    int         not null references event_stream.topics on delete cascade,
  partition   int         not null,
  "offset"    bigint      not null,
  -- bytea and not text: text refuses U+0000, and a key may hold it.
  key         bytea       not null,
  -- Null is a tombstone.
  value       bytea,
  -- [[name, base64], …]; json and not jsonb, which refuses U+0000 too.
  headers     json,
  written_at  timestamptz not null,
  -- SHA-256 of the key in compacted topics, null in others: keys may be too long for an index.
  compact_key bytea,
  primary key (topic_id, partition, "offset")
);
create index records_by_key on event_stream.records (topic_id, partition, compact_key, "offset")
  where compact_key is not null;
create index tombstones on event_stream.records (topic_id, partition, "offset")
  where compact_key is not null and value is null;

-- The topic, if whoever is connected may do this with it. Called inside functions that run as the owner: there current_user is the owner.
create function event_stream.accessible(p_topic text, p_action text) returns setof event_stream.topics
language sql stable set search_path = '' as $$
  select t.* from event_stream.topics t
   where t.topic = p_topic
     and (pg_has_role(session_user, current_user, 'member')
          or exists (select from event_stream.access a join pg_roles r on r.rolname = a.role
                      where a.topic_id = t.id and a.action = p_action and pg_has_role(session_user, r.oid, 'member')))
$$;

-- Of SHA-256 and not of one of Postgres's own hashes, which may differ between its versions.
create function event_stream.partition_of(p_key bytea, p_partitions int) returns int
language sql immutable set search_path = '' as $$
  select ((get_byte(h, 0) << 16) + (get_byte(h, 1) << 8) + get_byte(h, 2)) % p_partitions from (select sha256(p_key) as h) s
$$;

-- Appends all records or none. One call is one statement, so no client can hold a head while it is slow, frozen or gone.
create function event_stream.publish(p_topics text[], p_keys bytea[], p_values bytea[], p_headers text[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  max_bytes constant int := 1048576;
  refused text;
  part record;
  end_offset bigint;
begin
  -- A record that a reader has seen may not vanish in a crash, whatever the session or the server prefers.
  if current_setting('synchronous_commit') = 'off' then perform set_config('synchronous_commit', 'on', true); end if;

  select r.topic into refused from unnest(p_topics) as r(topic)
   where not exists (select from event_stream.accessible(r.topic, 'write')) limit 1;
  if found then
    raise exception 'topic % does not exist, or this role may not write it', refused using errcode = 'undefined_object';
  end if;
  select r.topic into refused from unnest(p_topics, p_keys, p_values, p_headers) as r(topic, key, value, headers)
   where octet_length(r.key) + coalesce(octet_length(r.value), 0) + coalesce(octet_length(r.headers), 0) > max_bytes limit 1;
  if found then
    raise exception 'a record for topic % is larger than % bytes', refused, max_bytes using errcode = 'program_limit_exceeded';
  end if;

  -- Heads are taken in one order, so two publishers never wait for each other.
  for part in
    select t.id, t.topic, t.cleanup, t.partitions, event_stream.partition_of(r.key, t.partitions) as number, count(*) as records
      from unnest(p_topics, p_keys) as r(topic, key) join event_stream.topics t using (topic)
     group by t.id, event_stream.partition_of(r.key, t.partitions)
     order by t.id, number
  loop
    update event_stream.heads set next = next + part.records
     where topic_id = part.id and partition = part.number returning next into strict end_offset;
    insert into event_stream.records (topic_id, partition, "offset", key, value, headers, written_at, compact_key)
    select part.id, part.number, end_offset - part.records + row_number() over (order by r.n) - 1, r.key, r.value, r.headers::json,
           clock_timestamp(), case part.cleanup when 'compact' then sha256(r.key) end
      from unnest(p_topics, p_keys, p_values, p_headers) with ordinality as r(topic, key, value, headers, n)
     where r.topic = part.topic and event_stream.partition_of(r.key, part.partitions) = part.number;
    perform pg_notify('event_stream', part.topic || '/' || part.number);
  end loop;
end
$$;

-- Each partition with what stands in it. No row: no such topic, or not for this role.
create function event_stream.ranges(p_topic text) returns table (partition int, earliest bigint, next bigint)
language sql stable security definer set search_path = '' as $$
  select h.partition, c.earliest, h.next
    from (select id from event_stream.accessible(p_topic, 'read')
          union select id from event_stream.accessible(p_topic, 'write')) t
    join event_stream.heads h on h.topic_id = t.id
    join event_stream.cleaned c on c.topic_id = t.id and c.partition = h.partition
   order by h.partition
$$;

-- Up to so many records, and bytes unless the first alone is larger. Range and records are of one moment. At least one row for a partition
-- that is there: its "offset" is null when nothing stands at or behind p_from.
create function event_stream.read(p_topic text, p_partition int, p_from bigint, p_records int, p_bytes bigint)
returns table (earliest bigint, next bigint, "offset" bigint, key bytea, value bytea, headers text, written_ms bigint)
language sql stable security definer set search_path = '' as $$
  select c.earliest, h.next, r."offset", r.key, r.value, r.headers::text, floor(extract(epoch from r.written_at) * 1000)::bigint
    from event_stream.accessible(p_topic, 'read') t
    join event_stream.heads h on h.topic_id = t.id and h.partition = p_partition
    join event_stream.cleaned c on c.topic_id = t.id and c.partition = p_partition
    left join lateral (
      select s.*, row_number() over (order by s."offset") as n,
             sum(octet_length(s.key) + coalesce(octet_length(s.value), 0)) over (order by s."offset") as bytes
        from (select x."offset", x.key, x.value, x.headers, x.written_at from event_stream.records x
               where x.topic_id = t.id and x.partition = p_partition and x."offset" >= p_from
               order by x."offset" limit p_records) s
    ) r on r.n = 1 or r.bytes <= p_bytes
   order by r."offset"
$$;

-- How every topic is set up, for verifying and for cleaning. Names and settings are no secret.
create function event_stream.list_topics() returns table (topic text, partitions int, cleanup text, retention_ms bigint)
language sql stable security definer set search_path = '' as $$
  select t.topic, t.partitions, t.cleanup, t.retention_ms from event_stream.topics t order by t.id
$$;

-- Removes from one partition what may go, in steps of p_step offsets; true while there may be more. Anybody who uses the stream may call
-- it: what goes is decided by the topic alone.
create function event_stream.clean(p_topic text, p_partition int, p_step int) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  t event_stream.topics;
  state event_stream.cleaned;
  head bigint;
  upto bigint;
  removed bigint;
begin
  select * into t from event_stream.topics where topic = p_topic;
  if not found then return false; end if;
  select * into state from event_stream.cleaned where topic_id = t.id and partition = p_partition for update;
  if not found then return false; end if;
  -- Read before the records are: what is appended meanwhile lies behind it.
  select next into head from event_stream.heads where topic_id = t.id and partition = p_partition;

  if t.cleanup = 'delete' then
    if t.retention_ms is null then return false; end if;
    -- The first of the oldest p_step records that is young enough; else behind all that were looked at.
    select coalesce(min(s."offset") filter (where s.written_at >= clock_timestamp() - t.retention_ms * interval '1 ms'),
                    case when count(*) = p_step then max(s."offset") + 1 else head end)
      into upto
      from (select r."offset", r.written_at from event_stream.records r
             where r.topic_id = t.id and r.partition = p_partition and r."offset" < head
             order by r."offset" limit p_step) s;
    if upto = state.earliest then return false; end if;
    delete from event_stream.records r where r.topic_id = t.id and r.partition = p_partition and r."offset" < upto;
    get diagnostics removed = row_count;
    update event_stream.cleaned set earliest = upto where topic_id = t.id and partition = p_partition;
    return removed = p_step;
  end if;

  upto := least(state.compacted_to + p_step, head);
  if upto > state.compacted_to then
    delete from event_stream.records r
     using (select d.compact_key, max(d."offset") as latest from event_stream.records d
             where d.topic_id = t.id and d.partition = p_partition and d."offset" >= state.compacted_to and d."offset" < upto
             group by d.compact_key) latest
     where r.topic_id = t.id and r.partition = p_partition and r.compact_key = latest.compact_key and r."offset" < latest.latest;
    update event_stream.cleaned set compacted_to = upto where topic_id = t.id and partition = p_partition;
  end if;
  -- NB: only below `upto`, where nothing older of its key is left; else what a tombstone removed would come back to a new reader.
  delete from event_stream.records r
   where r.topic_id = t.id and r.partition = p_partition and r."offset" in (
     select d."offset" from event_stream.records d
      where d.topic_id = t.id and d.partition = p_partition and d."offset" < upto and d.compact_key is not null and d.value is null
        and d.written_at < clock_timestamp() - t.retention_ms * interval '1 ms'
      order by d."offset" limit p_step);
  get diagnostics removed = row_count;
  return upto < head or removed = p_step;
end
$$;

revoke all on schema event_stream from public;
revoke all on all tables in schema event_stream from public;
revoke all on all functions in schema event_stream from public;
