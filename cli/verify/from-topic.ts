/**
 * Audit events from the topic itself, every partition from its earliest record to the end that it had when the reading began.
 * Nothing is stored at the broker, so verifying disturbs no consumer and can be repeated.
 */
import type { EventStream } from "../../platform/stream/port.ts";
import { readToEnd } from "../../platform/stream/read-to-end.ts";
import { readAuditEvent } from "./audit-record.ts";
import type { ChainCheck } from "./chain.ts";

/**
 * Rejects when the broker does not answer, with the signal's reason, or, after `timeoutMs`, with how far it came. The key of a record has to be its
 * log id.
 */
export async function checkTopic(
  stream: Pick<EventStream, "subscribe" | "position" | "endOffsets">,
  topic: string,
  check: ChainCheck,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const ends = await stream.endOffsets(topic, { deadlineMs: 10_000 });
  stream.subscribe({
    topic,
    from: async (_partition, { earliest }) => earliest,
    async handle({ partition, records }) {
      const end = ends.get(partition) ?? 0n;
      for (const { offset, key, value } of records) {
        if (offset >= end) continue;
        const place = `partition ${partition} offset ${offset}`;
        const read = readAuditEvent(value ?? Buffer.alloc(0));
        if (read.kind === "event" && read.link.log !== key)
          check.add({ kind: "unreadable", detail: "the record key is not the log id" }, place);
        else check.add(read, place);
      }
      return "continue";
    },
  });
  const late = AbortSignal.timeout(timeoutMs);
  try {
    await readToEnd(stream, topic, ends, AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted(); // with its reason, which is only the cause of what a wait rejects with
    if (!late.aborted) throw error;
    const far = left(stream.position(topic), ends);
    throw new Error(`not at the end of ${topic} after ${timeoutMs / 1_000} s: ${far}; give it longer with --timeout`, {
      cause: error,
    });
  }
}

/** Of each partition that is not read to its end. */
function left(positions: ReadonlyMap<number, bigint>, ends: ReadonlyMap<number, bigint>): string {
  return [...ends]
    .filter(([partition, end]) => (positions.get(partition) ?? -1n) < end)
    .map(([partition, end]) => `partition ${partition} is at offset ${positions.get(partition) ?? "none"} of ${end}`)
    .join(", ");
}
