-- A record that was set aside gets an id that can be handed out, and remembers the replays that were refused.

alter table quarantine rename column id to old_id;
-- Rows that are here already get ids of version 7, in the order in which they were set aside. A process of the version before
-- names no id when it inserts, so there is a default.
alter table quarantine add column id uuid not null default gen_random_uuid();
update quarantine
   set id = encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
                     placing substring(int8send((extract(epoch from quarantined_at) * 1000)::bigint) from 3) from 1 for 6),
                   52, 1), 53, 1), 'hex')::uuid;
alter table quarantine drop column old_id;
alter table quarantine add primary key (id);
create index quarantine_open on quarantine (id) where replayed_at is null;

alter table quarantine
  add column tries          integer     not null default 0,
  add column last_tried_at  timestamptz,
  add column last_reason    text,
  add column last_detail    text;

-- The hashes at both ends of a gap, so that what comes late can be held against them. Null where they were not kept.
alter table decision_log_gaps
  add column after_hash    text,
  add column next_previous text;
