/**
 * Audit events from the topic itself, every partition from its earliest record to the end that it had when the reading began.
 * Nothing is stored at the broker, so verifying disturbs no consumer and can be repeated.
 */
import type { EventStream } from "../../platform/stream/port.ts";
import { readToEnd } from "../../platform/stream/read-to-end.ts";
import { readAuditEvent } from "./audit-record.ts";
import type { ChainCheck } from "./chain.ts";

/** Rejects when the broker does not answer, or with the signal's reason. The key of a record has to be its log id. */
export async function checkTopic(
  stream: Pick<EventStream, "subscribe" | "position" | "endOffsets">,
  topic: string,
  check: ChainCheck,
  signal: AbortSignal,
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
  await readToEnd(stream, topic, ends, signal);
}
