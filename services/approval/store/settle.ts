/** The other half of a record's effect: that it is taken, where it came from. */
import { AppError } from "../../../core/domain/app-error.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Origin } from "../ports.ts";
import { advanceOffset } from "./offsets.ts";
import { appendToOutbox, type EventSource } from "./outbox.ts";
import { markReplayed } from "./quarantine.ts";

/** @throws AppError conflict when somebody else settled it before: nothing of this transaction may count. */
export async function settleOrigin(db: Queryable, origin: Origin, events: EventSource): Promise<void> {
  if ("topic" in origin) return advanceOffset(db, origin);
  const isFirst = await markReplayed(db, origin.quarantineId);
  if (!isFirst) throw new AppError("conflict", "the record was replayed before");
  return appendToOutbox(db, [origin.told], events);
}
