/**
 * Separates what can never succeed from what may succeed later. A record that cannot be understood, trusted or stored is quarantined with its
 * offset in one transaction, so its partition goes on; everything else is tried again.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { isTooLargeForIndex, sqlState } from "../../../platform/postgres/sql-state.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import type { Origin, QuarantinedRecord, Reading, Replay, StreamPosition } from "./ports.ts";
import type { TakeRecord } from "./consumer.ts";
import type { IntakeEvents } from "./events.ts";

export type ReadRecord = (record: StreamRecord, origin: Origin) => Promise<Reading>;

/** The command that stores a quarantined record and moves the offset. */
type QuarantineRecord = (command: {
  readonly record: QuarantinedRecord;
  readonly position: StreamPosition;
}) => Promise<unknown>;

export function withQuarantine(
  read: ReadRecord,
  {
    quarantine,
    events,
  }: { readonly quarantine: QuarantineRecord; readonly events: Pick<IntakeEvents, "taken" | "quarantined"> },
): TakeRecord {
  return async (record, position) => {
    const reading = await read(record, position).catch(refusalOf);
    if (reading.kind === "taken") {
      events.taken(record.topic);
      return;
    }
    const { topic, partition, offset, key, value, headers } = record;
    const { reason, detail } = reading;
    await quarantine({
      record: { topic, partition, offset, key, value, headers, reason, detail: detail.slice(0, 500) },
      position,
    });
    events.quarantined({ topic, partition, offset, reason });
  };
}

/** The readers of the topics, by name, for a replay. Rejects for what may succeed later. */
export function createReadAgain(readers: ReadonlyMap<string, ReadRecord>) {
  return async ({ key, value, headers, ...record }: QuarantinedRecord, origin: Replay): Promise<Reading> => {
    const read = readers.get(record.topic);
    if (read === undefined) return { kind: "refused", reason: "topic_unknown", detail: "no topic that is read here" };
    const again: StreamRecord = {
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      key,
      value: value === null ? null : Buffer.from(value),
      headers: new Map([...headers].map(([name, bytes]) => [name, Buffer.from(bytes)])),
      timestampMs: 0,
    };
    return read(again, origin).catch(refusalOf);
  };
}

/** A fault that the same record would meet again; rethrows all others. */
function refusalOf(error: unknown): Reading {
  if (error instanceof AppError && (error.code === "invalid_record" || error.code === "invalid_argument"))
    return { kind: "refused", reason: "invalid_record", detail: error.detail };
  const state = sqlState(error) ?? "";
  // Classes 22 (data) and 23 (constraint) concern the values, and so does an index entry that is too large. NB: the text of such an error
  // contains values, the code does not.
  if (/^2[23]/.test(state) || isTooLargeForIndex(error))
    return { kind: "refused", reason: "unstorable", detail: `SQLSTATE ${state}` };
  // The program's own fault, such as a nesting that exhausts the stack. Quarantined, not lost: a replay after the fix takes it.
  if (error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError)
    return { kind: "refused", reason: "fault", detail: error.name };
  throw error;
}
