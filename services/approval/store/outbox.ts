/** Appends domain events to the outbox, in the transaction of the state change that they tell of. */
import type { DomainEvent } from "../../../core/domain/events.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Ids } from "../ports.ts";
import { databaseNow } from "./clock.ts";

export async function appendToOutbox(
  db: Queryable,
  events: readonly DomainEvent[],
  { ids, deployment }: { readonly ids: Ids; readonly deployment: string },
): Promise<void> {
  if (events.length === 0) return;
  const now = await databaseNow(db);
  const unsealed = events.map((event) => unsealedEvent(event, ids.fresh("event"), now, deployment));
  await db.query(
    `insert into outbox (event_id, event)
     select event_id, event from unnest($1::uuid[], $2::text[]::json[]) with ordinality as given (event_id, event, position)
      order by position`,
    [unsealed.map((event) => event.id), unsealed.map((event) => JSON.stringify(event))],
  );
}
