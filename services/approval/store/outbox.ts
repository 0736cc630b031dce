/** Appends domain events to the outbox, in the transaction of the state change that they report. */
import type { DomainEvent } from "../../../core/domain/events.ts";
import { instant } from "../../../core/domain/time.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Ids } from "../ports.ts";

/** What events are made with. */
export type EventSource = {
  readonly ids: Ids;
  readonly deployment: string;
  /** Of the current span. Absent without traces; then events name none. */
  readonly traceparent?: (() => string | undefined) | undefined;
};

/**
 * What only the database knows is put in by the statement: the time by its clock, and, where no span runs, as in a sweep, the traceparent of
 * the denial that it comes from. NB: put in as text, since `jsonb` refuses some of what JSON can say.
 */
export async function appendToOutbox(
  db: Queryable,
  events: readonly DomainEvent[],
  { ids, deployment, traceparent }: EventSource,
): Promise<void> {
  if (events.length === 0) return;
  const here = traceparent?.();
  const untimed = events.map((event) => {
    const { time: _, ...rest } = unsealedEvent(event, ids.fresh("event"), instant(0), {
      deployment,
      traceparent: here,
    });
    return rest;
  });
  await db.query(
    `insert into outbox (event_id, event)
     select event_id, (left(event, -1) || ',"time":"' || text || '"'
                         || coalesce(',"traceparent":' || to_json(denials.traceparent)::text, '') || '}')::json
       from unnest($1::uuid[], $2::text[], $3::uuid[]) with ordinality as given (event_id, event, denial_id, position)
            cross join (select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as text) as now
            left join denials on denials.id = given.denial_id
      order by position`,
    [
      untimed.map((event) => event.id),
      untimed.map((event) => JSON.stringify(event)),
      events.map(({ denialId }) => (traceparent !== undefined && here === undefined ? denialId : undefined) ?? null),
    ],
  );
}
