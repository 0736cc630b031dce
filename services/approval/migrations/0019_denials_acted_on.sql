-- Whether intake has submitted what this denial asks for by itself, whatever came of it: a denial that is delivered again asks for nothing anew.
-- One that a version of the service from before this took is looked at once more if it is delivered again within its 15 minutes.
alter table denials add column acted_on boolean not null default false;
