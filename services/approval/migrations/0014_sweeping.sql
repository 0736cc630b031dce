-- Without an index behind it, this key cost each denial that was deleted a look at all grants there ever were. An index would be one more that each
-- use of a grant has to write; and that the denial of a grant stays is kept by the keys of its request, which has the same one.
alter table grants drop constraint grants_denial_id_fkey;

-- Set by the sweep when it finds that a denial whose time is over was submitted, so that it looks at each once.
alter table denials add column stays boolean not null default false;
drop index denials_by_end;
create index denials_by_end on denials (expires_at) where not stays;

-- Notifications are forgotten after a month, taken or not.
create index notifications_by_age on notifications (created_at);
