-- Rings for the loops that look for work (platform/postgres/wakeup.ts). They only make it fast: every loop polls as well.
-- Channels: outbox, grants, audit, notifications, each with the prefix countersign_.

create function ring() returns trigger language plpgsql as $$
begin
  perform pg_notify(tg_argv[0], '');
  return null;
end $$;

create trigger outbox_ring after insert on outbox
  for each statement execute function ring('countersign_outbox');
create trigger grants_ring after insert or update of version on grants
  for each statement execute function ring('countersign_grants');
create trigger audit_log_ring after insert on audit_log
  for each statement execute function ring('countersign_audit');
create trigger republish_ring after insert on republish
  for each statement execute function ring('countersign_audit');
create trigger notifications_ring after insert on notifications
  for each statement execute function ring('countersign_notifications');
