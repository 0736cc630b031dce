/**
 * Publishes as every relay does: the same records again until the stream has acknowledged them, and nothing after them before that. There is no
 * number of attempts after which something is dropped.
 */
import { createBackoff } from "../../../platform/backoff.ts";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";

/**
 * How much goes out at once: Kafka takes 1 MiB per batch unless told otherwise, and a batch that is too large would be refused for
 * ever. A single record is at most 64 KiB, or a little more in the audit topic.
 */
const MAX_BATCH_BYTES = 512 * 1024;

/** Resolves when all records are acknowledged; rejects only when `signal` aborts. */
type PublishSurely = (records: readonly OutgoingRecord[], signal: AbortSignal) => Promise<void>;

/** `onUnknown` counts and logs an attempt without acknowledgement. */
export function createPublishSurely(
  {
    stream,
    onUnknown,
  }: {
    readonly stream: Pick<EventStream, "publish">;
    readonly onUnknown: (cause: unknown, records: number) => void;
  },
  { deadlineMs, firstRetryMs = 100 }: { readonly deadlineMs: number; readonly firstRetryMs?: number },
): PublishSurely {
  async function publishBatch(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ firstMs: firstRetryMs, maxMs: 2_000 });
    for (;;) {
      signal.throwIfAborted();
      const outcome = await stream.publish(records, { deadlineMs });
      if (outcome.kind === "acked") return;
      onUnknown(outcome.cause, records.length);
      await backoff.wait(signal);
    }
  }

  return async (records, signal) => {
    for (const batch of batchesOf(records)) await publishBatch(batch, signal);
  };
}

function batchesOf(records: readonly OutgoingRecord[]): readonly (readonly OutgoingRecord[])[] {
  const batches: OutgoingRecord[][] = [];
  let room = 0;
  for (const record of records) {
    const bytes = record.key.length + (record.value?.length ?? 0) + 512; // headers, framing
    const open = batches.at(-1);
    if (open === undefined || bytes > room) {
      batches.push([record]);
      room = MAX_BATCH_BYTES - bytes;
    } else {
      open.push(record);
      room -= bytes;
    }
  }
  return batches;
}
