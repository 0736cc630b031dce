-- As before, and headers count among the bytes that one answer may have: whoever may write to a topic may write a megabyte of them to each record.
create or replace function event_stream.read(p_topic text, p_partition int, p_from bigint, p_records int, p_bytes bigint)
returns table (earliest bigint, next bigint, "offset" bigint, key bytea, value bytea, headers text, written_ms bigint)
language sql stable security definer set search_path = '' as $$
  select c.earliest, h.next, r."offset", r.key, r.value, r.headers::text, floor(extract(epoch from r.written_at) * 1000)::bigint
    from event_stream.accessible(p_topic, 'read') t
    join event_stream.heads h on h.topic_id = t.id and h.partition = p_partition
    join event_stream.cleaned c on c.topic_id = t.id and c.partition = p_partition
    left join lateral (
      select s.*, row_number() over (order by s."offset") as n,
             sum(octet_length(s.key) + coalesce(octet_length(s.value), 0) + coalesce(octet_length(s.headers::text), 0))
               over (order by s."offset") as bytes
        from (select x."offset", x.key, x.value, x.headers, x.written_at from event_stream.records x
               where x.topic_id = t.id and x.partition = p_partition and x."offset" >= p_from
               order by x."offset" limit p_records) s
    ) r on r.n = 1 or r.bytes <= p_bytes
   order by r."offset"
$$;
