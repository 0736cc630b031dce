-- What was seen of accounts is counted in days, no more by ten minutes, by which half an hour of calls made an hour or a place look usual.
-- NB: the tables of before go at once, although processes of the earlier version still run: they would go on counting and publishing that way.
create table traits (
  profile_id text        not null references profiles (id) on delete cascade,
  -- account: that it was seen at all.
  kind       text        not null check (kind in ('account', 'hour', 'network', 'country')),
  -- An hour of the day (UTC) in two digits; /24 or /48; ISO 3166-1 alpha-2; empty for account.
  value      text        not null,
  -- Calendar days (UTC) on which it was seen, the last one first.
  days       date[]      not null check (cardinality(days) >= 1),
  first_seen timestamptz not null,
  -- The first sighting on the last of these days.
  last_seen  timestamptz not null,
  primary key (profile_id, kind, value)
);
create index traits_last_seen on traits (last_seen);

-- Of an earlier row only two days are certain: the first and the last. Its count says nothing of days.
insert into traits (profile_id, kind, value, days, first_seen, last_seen)
select profile_id, kind, value, (array_agg(distinct day order by day desc))[1:31], min(seen_at), max(seen_at)
  from (select profile_id, hour, network, first_seen as seen_at from sightings
        union all
        select profile_id, hour, network, last_seen from sightings) as seen
       cross join lateral (select (seen_at at time zone 'UTC')::date as day) as calendar
       cross join lateral (values ('account', ''), ('hour', lpad(hour::text, 2, '0')), ('network', network)) as told (kind, value)
 where kind <> 'network' or value <> ''
 group by profile_id, kind, value;

insert into traits (profile_id, kind, value, days, first_seen, last_seen)
select profile_id, 'country', country, array_agg(distinct day order by day desc), min(seen_at), max(seen_at)
  from (select profile_id, country, first_seen as seen_at from country_sightings
        union all
        select profile_id, country, last_seen from country_sightings) as seen
       cross join lateral (select (seen_at at time zone 'UTC')::date as day) as calendar
 group by profile_id, country;

drop table country_sightings;
drop table sightings;

-- Each is published again, as days.
update profiles set changes = changes + 1;
