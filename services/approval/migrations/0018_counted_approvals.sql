-- Reviews that stood when the grant was issued: an earlier approval may have lapsed by then, and is no part of it. Null before that, and where a
-- version of the service from before this issued the grant.
alter table requests
  add column counted uuid[],
  add constraint requests_counted check (counted is null or status = 'approved');
