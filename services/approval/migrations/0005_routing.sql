-- What routing says beside the requirement: stages, limits, who is told, escalation. And who voted, for a second look when a
-- grant is issued.

alter table requests
  -- {max_uses, max_duration_ms}, each null for none; the most that may be granted.
  add column limits          json,
  -- Keys of the reviewer sets whose turn it is: those of the open stage, none after the end. For `awaiting=me`.
  add column open_sets       text[]      not null default '{}',
  add column notify          text[]      not null default '{}',
  -- When it is due; null for never, and once it is done.
  add column escalate_at     timestamptz,
  add column escalate_notify text[]      not null default '{}';

update requests set open_sets = reviewer_sets where status = 'pending';
drop index requests_awaiting;
create index requests_awaiting on requests using gin (open_sets) where status = 'pending';
create index requests_by_escalation on requests (escalate_at) where status = 'pending';

create or replace function requests_keep_immutable() returns trigger language plpgsql as $$
begin
  if old.status <> 'pending' then
    raise exception 'request % is final', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.denial_id, new.key, new.issuer, new.subject, new.person_realm, new.person_id, new.requester::text,
      new.call::text, new.entitlement, new.offer::text, new.justification, new.requested::text, new.requirement::text,
      new.reviewer_sets, new.policy_revision, new.digest, new.created_at, new.expires_at, new.limits::text, new.notify)
       is distinct from
     (old.id, old.denial_id, old.key, old.issuer, old.subject, old.person_realm, old.person_id, old.requester::text,
      old.call::text, old.entitlement, old.offer::text, old.justification, old.requested::text, old.requirement::text,
      old.reviewer_sets, old.policy_revision, old.digest, old.created_at, old.expires_at, old.limits::text, old.notify) then
    raise exception 'request % is immutable', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

-- The account that voted, as its token showed it. An older review names none: nobody can be asked about again, so it does not
-- count when a grant is issued, and such a request ends as superseded.
alter table reviews add column account json not null default '{"issuer":"unknown","id":"unknown","groups":[],"claims":{},"actors":[]}';
alter table reviews alter column account drop default;
