-- What comes in from topics and goes out to them: outbox, sealed audit log, decisions, offsets, quarantine, notifications.

-- Written in the transaction of the state change; the sealer moves rows from here into audit_log.
create table outbox (
  id         bigint      generated always as identity primary key,
  event_id   uuid        not null unique,
  -- A CloudEvent without its place in the log, as UnsealedEvent of core/messages.
  event      json        not null,
  created_at timestamptz not null default clock_timestamp()
);

-- One order for both tables that GET /v1/audit pages.
create sequence arrival as bigint;

-- NB: a reader that pages by sequence would skip a row that commits late with a lower number. So whoever inserts into one
-- of the two tables holds this lock until commit: numbers are given in the order of commits.
create function lock_arrival() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('countersign.arrival', 0));
  return null;
end $$;

create table audit_log (
  arrival    bigint      primary key default nextval('arrival'),
  log_id     text        not null,
  leaf_index bigint      not null check (leaf_index >= 0),
  event_id   uuid        not null unique,
  leaf_hash  text        not null,
  -- The CloudEvent as sealed: AuditEvent of core/messages.
  event      json        not null,
  sealed_at  timestamptz not null default clock_timestamp(),
  unique (log_id, leaf_index)
);
create trigger audit_log_arrival before insert on audit_log for each statement execute function lock_arrival();
create trigger audit_log_append_only before update or delete or truncate on audit_log
  for each statement execute function refuse_change();

-- Decisions that touch a denial, request or grant, kept. Index and hash are the decision service's own.
create table decisions (
  arrival     bigint      primary key default nextval('arrival'),
  log_id      text        not null,
  leaf_index  bigint      not null check (leaf_index >= 0),
  decision_id uuid        not null,
  denial_id   uuid,
  request_id  uuid,
  grant_id    uuid,
  leaf_hash   text        not null,
  event       json        not null,
  received_at timestamptz not null default clock_timestamp(),
  unique (log_id, leaf_index)
);
create trigger decisions_arrival before insert on decisions for each statement execute function lock_arrival();
create trigger decisions_append_only before update or delete or truncate on decisions
  for each statement execute function refuse_change();
create index decisions_by_denial on decisions (denial_id) where denial_id is not null;
create index decisions_by_grant on decisions (grant_id) where grant_id is not null;

-- All decision log entries on their way to the audit topic; the audit relay deletes what was acknowledged.
create table republish (
  id         bigint generated always as identity primary key,
  log_id     text   not null,
  leaf_index bigint not null,
  event      json   not null,
  unique (log_id, leaf_index)
);

-- How far each decision log was read.
create table decision_logs (
  log_id     text        primary key,
  next_index bigint      not null,
  last_hash  text        not null,
  closed     text        not null check (closed in ('no', 'complete', 'recovered')),
  opened_at  timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);

-- Entries that never came: from_index (inclusive) to before_index (exclusive).
create table decision_log_gaps (
  log_id       text        not null,
  from_index   bigint      not null,
  before_index bigint      not null check (before_index > from_index),
  noticed_at   timestamptz not null default clock_timestamp(),
  primary key (log_id, from_index)
);

-- How far a relay has published a table that it may not change, by arrival.
create table relay_cursors (
  name     text   primary key,
  position bigint not null
);

-- Next offset to read, per partition; moved in the transaction of the effect.
create table offsets (
  topic       text    not null,
  partition   integer not null,
  next_offset bigint  not null check (next_offset >= 0),
  updated_at  timestamptz not null default clock_timestamp(),
  primary key (topic, partition)
);

-- Records that cannot be understood or trusted, raw.
create table quarantine (
  id             bigint      generated always as identity primary key,
  topic          text        not null,
  partition      integer     not null,
  record_offset  bigint      not null,
  record_key     text,
  record_value   bytea,
  -- List of [name, base64 of the value].
  headers        json        not null,
  reason         text        not null,
  detail         text        not null,
  quarantined_at timestamptz not null default clock_timestamp(),
  replayed_at    timestamptz
);
create index quarantine_open on quarantine (id) where replayed_at is null;

-- Deliveries to be made, retried until taken. The id is the idempotency key that the receiver sees.
create table notifications (
  id              uuid        primary key default gen_random_uuid(),
  kind            text        not null,
  body            json        not null,
  created_at      timestamptz not null default clock_timestamp(),
  attempts        integer     not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp(),
  delivered_at    timestamptz,
  last_error      text
);
create index notifications_due on notifications (next_attempt_at) where delivered_at is null;
