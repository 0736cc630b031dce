-- The person behind a denied account: what one was denied under one account is listed under every other of the same person. Null
-- where nobody is known; denials from before this migration are found by their account alone until they lapse.
alter table denials
  add column person_realm text,
  add column person_id    text,
  add constraint denials_person check ((person_realm is null) = (person_id is null));
create index denials_by_person on denials (person_realm, person_id, id desc) where person_id is not null;
