-- When and from where accounts usually call (docs/context.md): personal data, so only with `profiles.enabled`, and only as long as configured.
create table profiles (
  -- SHA-256 of issuer and subject: profile/<id> on the state topic.
  id                text     primary key,
  issuer            text     not null,
  subject           text     not null,
  changes           bigint   not null default 1,
  -- The change that was published last; the profile relay reads rows that are ahead of it.
  published_changes bigint   not null default 0,
  -- Of the last publication: its time in milliseconds; 0 when there was none.
  version           bigint   not null default 0
);
create index profiles_unpublished on profiles (version) where published_changes < changes;

create table sightings (
  profile_id text        not null references profiles (id) on delete cascade,
  hour       smallint    not null check (hour between 0 and 23),
  -- /24 or /48; empty where the address is not known.
  network    text        not null,
  count      integer     not null check (count >= 1),
  first_seen timestamptz not null,
  last_seen  timestamptz not null,
  primary key (profile_id, hour, network)
);
create index sightings_last_seen on sightings (last_seen);
