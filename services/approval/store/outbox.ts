/** Appends domain events to the outbox, in the transaction of the state change that they tell of. */
import type { DomainEvent } from "../../../core/domain/events.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Ids } from "../ports.ts";
import { databaseNow } from "./clock.ts";
import { traceparentsOf } from "./traceparents.ts";

/** What events are made with. */
export type EventSource = {
  readonly ids: Ids;
  readonly deployment: string;
  /** Of the span that runs here. Left out where there are no traces; then events name none. */
  readonly traceparent?: (() => string | undefined) | undefined;
};

export async function appendToOutbox(
  db: Queryable,
  events: readonly DomainEvent[],
  source: EventSource,
): Promise<void> {
  if (events.length === 0) return;
  const now = await databaseNow(db);
  const traceparentFor = await traceparentsFor(
    db,
    source,
    events.flatMap((event) => event.denialId ?? []),
  );
  const unsealed = events.map((event) => {
    const traceparent = traceparentFor(event.denialId);
    return unsealedEvent(event, source.ids.fresh("event"), now, { deployment: source.deployment, traceparent });
  });
  await db.query(
    `insert into outbox (event_id, event)
     select event_id, event from unnest($1::uuid[], $2::text[]::json[]) with ordinality as given (event_id, event, position)
      order by position`,
    [unsealed.map((event) => event.id), unsealed.map((event) => JSON.stringify(event))],
  );
}

/** Where no span runs, as in a sweep, what happens is told below the decision that its denial comes from. */
export async function traceparentsFor(
  db: Queryable,
  { traceparent }: Pick<EventSource, "traceparent">,
  denials: readonly string[],
): Promise<(denial: string | undefined) => string | undefined> {
  const here = traceparent?.();
  if (traceparent === undefined || here !== undefined) return () => here;
  const known = await traceparentsOf(db, "denial", denials);
  return (denial) => (denial === undefined ? undefined : known.get(denial));
}
