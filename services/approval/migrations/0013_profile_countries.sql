-- From which countries accounts usually call: personal data too, under the same rules (0012_profiles.sql). Apart from `sightings`, so that a
-- country stays known when the networks there were pushed out by newer ones.
create table country_sightings (
  profile_id text        not null references profiles (id) on delete cascade,
  -- ISO 3166-1 alpha-2.
  country    text        not null,
  count      integer     not null check (count >= 1),
  first_seen timestamptz not null,
  last_seen  timestamptz not null,
  primary key (profile_id, country)
);
create index country_sightings_last_seen on country_sightings (last_seen);
