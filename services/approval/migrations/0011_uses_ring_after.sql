-- A use of a grant no longer rings in its own transaction: those that NOTIFY commit one at a time, and uses are what there is most of.
-- Whoever counts it rings afterwards (platform/postgres/bell.ts), once for many.

alter table outbox add column rings boolean not null default true;

drop trigger outbox_ring on outbox;
create trigger outbox_ring after insert on outbox
  for each row when (new.rings) execute function ring('countersign_outbox');

drop trigger grants_ring on grants;
create trigger grants_ring_new after insert on grants
  for each statement execute function ring('countersign_grants');
create trigger grants_ring_changed after update of version on grants
  for each row when (new.uses = old.uses) execute function ring('countersign_grants');
