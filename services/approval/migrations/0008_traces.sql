-- Where a denial was decided, and what a notification is told below: traceparents (W3C Trace Context). Null without one.
alter table denials add column traceparent text;
alter table notifications add column traceparent text;
