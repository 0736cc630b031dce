-- Denials, requests, reviews, grants and redemptions: the state of approval. Forward only.
-- Times are timestamptz, texts are text; a JSON column holds the wire form of one value, written and checked by store/.

create table denials (
  id              uuid        primary key,
  decision_id     uuid        not null,
  issuer          text        not null,
  subject         text        not null,
  policy_revision text        not null,
  minted_at       timestamptz not null,
  expires_at      timestamptz not null,
  received_at     timestamptz not null default clock_timestamp(),
  -- json and not jsonb: jsonb refuses the escape of U+0000, and a denial with one must not block its partition.
  record          json        not null
);
create index denials_by_account on denials (issuer, subject, id desc);
create index denials_by_end on denials (expires_at);

create table requests (
  id                  uuid        primary key,
  denial_id           uuid        not null references denials (id),
  key                 text        not null,
  issuer              text        not null,
  subject             text        not null,
  person_realm        text,
  person_id           text,
  requester           json        not null,
  call                json        not null,
  entitlement         text        not null,
  offer               json        not null,
  justification       text        not null,
  requested           json        not null,
  requirement         json,
  -- Keys of all reviewer sets of the requirement, for `awaiting=me`.
  reviewer_sets       text[]      not null,
  policy_revision     text        not null,
  digest              text        not null,
  created_at          timestamptz not null,
  expires_at          timestamptz not null,
  status              text        not null
    check (status in ('pending', 'approved', 'denied', 'expired', 'cancelled', 'failed')),
  status_reason       text,
  decided_at          timestamptz,
  check ((person_realm is null) = (person_id is null)),
  check ((status = 'pending') = (decided_at is null))
);
-- Two submits with the same key are one open request.
create unique index requests_one_open on requests (key) where status = 'pending';
create index requests_awaiting on requests using gin (reviewer_sets) where status = 'pending';
create index requests_by_reviewer_set on requests using gin (reviewer_sets);
create index requests_by_account on requests (issuer, subject, id desc);
create index requests_by_person on requests (person_realm, person_id, id desc);
create index requests_by_denial on requests (denial_id);
create index requests_by_end on requests (expires_at) where status = 'pending';

-- A final request stays as it is, and only its end may ever change (rules 5 and 6), whatever code writes to it.
create function requests_keep_immutable() returns trigger language plpgsql as $$
begin
  if old.status <> 'pending' then
    raise exception 'request % is final', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.denial_id, new.key, new.issuer, new.subject, new.person_realm, new.person_id, new.requester::text,
      new.call::text, new.entitlement, new.offer::text, new.justification, new.requested::text, new.requirement::text,
      new.reviewer_sets, new.policy_revision, new.digest, new.created_at, new.expires_at)
       is distinct from
     (old.id, old.denial_id, old.key, old.issuer, old.subject, old.person_realm, old.person_id, old.requester::text,
      old.call::text, old.entitlement, old.offer::text, old.justification, old.requested::text, old.requirement::text,
      old.reviewer_sets, old.policy_revision, old.digest, old.created_at, old.expires_at) then
    raise exception 'request % is immutable', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger requests_immutable before update on requests
  for each row execute function requests_keep_immutable();

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;

create table reviews (
  id           uuid        primary key,
  request_id   uuid        not null references requests (id),
  person_realm text        not null,
  person_id    text        not null,
  groups       text[]      not null,
  vote         text        not null check (vote in ('approve', 'deny')),
  narrowing    json,
  comment      text,
  reviewed_at  timestamptz not null,
  -- A person votes once, whatever account speaks (rule 5).
  unique (request_id, person_realm, person_id)
);
create trigger reviews_append_only before update or delete or truncate on reviews
  for each statement execute function refuse_change();

create table grants (
  id                uuid        primary key,
  version           integer     not null check (version >= 1),
  -- Highest version that the state topic has; the state relay reads rows that are ahead of it.
  published_version integer     not null default 0 check (published_version <= version),
  tombstoned_at     timestamptz,
  request_id        uuid        not null references requests (id),
  denial_id         uuid        not null references denials (id),
  person_realm      text,
  person_id         text,
  issuer            text        not null,
  subject           text        not null,
  entitlement       text        not null,
  scope             text        not null,
  -- Null binds to scope alone.
  digest            text,
  bind_headers      text[]      not null,
  state             text        not null check (state in ('scheduled', 'active', 'consumed', 'expired', 'revoked')),
  uses              integer     not null check (uses >= 0),
  -- Null is without limit.
  max_uses          integer     check (max_uses >= 1),
  not_before        timestamptz not null,
  expires_at        timestamptz not null,
  created_at        timestamptz not null default clock_timestamp(),
  check (uses <= max_uses),
  check (not_before < expires_at),
  check ((person_realm is null) = (person_id is null))
);
-- One request leaves one grant at most.
create unique index grants_one_per_request on grants (request_id);
create index grants_unpublished on grants (id) where published_version < version;
create index grants_not_tombstoned on grants (expires_at) where tombstoned_at is null;
create index grants_open_by_end on grants (expires_at) where state in ('scheduled', 'active');
create index grants_by_account on grants (issuer, subject, id desc);
create index grants_by_person on grants (person_realm, person_id, id desc);

create table redemptions (
  redemption_id uuid        primary key,
  grant_id      uuid        not null references grants (id),
  grant_version integer     not null,
  uses          integer     not null,
  redeemed_at   timestamptz not null default clock_timestamp()
);
create index redemptions_by_grant on redemptions (grant_id);
create trigger redemptions_append_only before update or delete or truncate on redemptions
  for each statement execute function refuse_change();
