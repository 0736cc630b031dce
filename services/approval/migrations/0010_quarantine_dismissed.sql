-- Somebody looked at a record that was set aside and says that nothing will come of it.
alter table quarantine
  add column dismissed_at     timestamptz,
  add column dismissed_reason text,
  add constraint quarantine_ends_once check (replayed_at is null or dismissed_at is null);
drop index quarantine_open;
create index quarantine_open on quarantine (id) where replayed_at is null and dismissed_at is null;
create index quarantine_ended on quarantine (coalesce(replayed_at, dismissed_at));
