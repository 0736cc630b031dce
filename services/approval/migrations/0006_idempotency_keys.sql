-- Which REST call stands behind an idempotency key of a caller, and what it was answered.
create table idempotency_keys (
  -- SHA-256 of issuer, subject and actors: keys of two callers never meet.
  caller      text        not null,
  key         text        not null,
  -- SHA-256 of method, address, If-Match and body.
  fingerprint text        not null,
  -- The call that has it. Null answer: it is under way until held_until, or its process died with it.
  holder      uuid        not null,
  held_until  timestamptz not null,
  created_at  timestamptz not null default clock_timestamp(),
  -- {status, headers, body}, written in the transaction of what the call did.
  answer      json,
  primary key (caller, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);
