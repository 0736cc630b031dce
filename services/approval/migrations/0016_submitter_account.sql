-- The account of whoever submitted a request in somebody's name, as its token showed it, so that it can be mapped to a person anew at each vote.
-- Null when it was the requester, and in requests that a version of the service from before this took.
alter table requests add column submitted_account json;

create or replace function requests_keep_immutable() returns trigger language plpgsql as $$
begin
  if old.status <> 'pending' then
    raise exception 'request % is final', old.id using errcode = 'integrity_constraint_violation';
  end if;
  if (new.id, new.denial_id, new.key, new.issuer, new.subject, new.person_realm, new.person_id, new.requester::text,
      new.call::text, new.entitlement, new.offer::text, new.justification, new.requested::text, new.requirement::text,
      new.reviewer_sets, new.policy_revision, new.digest, new.created_at, new.expires_at, new.limits::text, new.notify,
      new.submitted_by::text, new.submitted_account::text)
       is distinct from
     (old.id, old.denial_id, old.key, old.issuer, old.subject, old.person_realm, old.person_id, old.requester::text,
      old.call::text, old.entitlement, old.offer::text, old.justification, old.requested::text, old.requirement::text,
      old.reviewer_sets, old.policy_revision, old.digest, old.created_at, old.expires_at, old.limits::text, old.notify,
      old.submitted_by::text, old.submitted_account::text) then
    raise exception 'request % is immutable', old.id using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
