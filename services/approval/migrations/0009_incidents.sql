-- Incidents that security has opened: plain inputs of policies, published on the state topic like grants (store/state-rows.ts).
create table incidents (
  id                uuid        primary key,
  version           integer     not null check (version >= 1),
  -- Highest version that the state topic has; the state relay reads rows that are ahead of it.
  published_version integer     not null default 0 check (published_version <= version),
  tombstoned_at     timestamptz,
  state             text        not null check (state in ('open', 'closed')),
  severity          text        not null check (severity in ('low', 'medium', 'high', 'critical')),
  scope             text        not null,
  title             text        not null,
  opened_at         timestamptz not null,
  closed_at         timestamptz,
  check ((state = 'closed') = (closed_at is not null))
);
create index incidents_unpublished on incidents (id) where published_version < version;
create index incidents_not_tombstoned on incidents (closed_at) where tombstoned_at is null;
create index incidents_open on incidents (id) where state = 'open';

-- The same bell as for grants: it is the state relay's.
create trigger incidents_ring after insert or update of version on incidents
  for each statement execute function ring('countersign_grants');
