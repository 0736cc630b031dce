/**
 * Ships one boot's spooled records to the decisions topic: consecutive records in signed batches of at most 64 KiB, the
 * next only after the last was acknowledged. What was acknowledged is noted and removed; what was not is sent again.
 */
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import { MAX_RECORD_BYTES, TOPICS } from "../../../core/messages/topics.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { acknowledge, acknowledged, type Place, readAfter, removeShipped } from "./spool-files.ts";

const TOPIC = TOPICS.decisions.name;
const PUBLISH_DEADLINE_MS = 5_000;
/** Room for the frame around the records: version, log id, brackets. */
const FRAME_BYTES = 512;

export type ShipDeps = { readonly stream: Pick<EventStream, "publish">; readonly signer: Signer };

export type ShipOptions = {
  readonly folder: string;
  readonly deployment: string;
  readonly log: string;
  readonly boot: string;
};

export type Shipped =
  | { readonly kind: "shipped"; readonly bytes: number; readonly records: number }
  | { readonly kind: "nothing" }
  | { readonly kind: "not_acknowledged"; readonly cause: unknown };

/** Ships one batch. Rejects only when the spool itself cannot be read. */
export async function shipNext({ stream, signer }: ShipDeps, options: ShipOptions): Promise<Shipped> {
  const { folder, deployment, log, boot } = options;
  const from = acknowledged(folder, boot);
  const chunk = readAfter(folder, boot, from, MAX_RECORD_BYTES - FRAME_BYTES);
  if (chunk === undefined) return { kind: "nothing" };
  const payload = Buffer.from(`{"v":1,"log":${JSON.stringify(log)},"records":[${chunk.lines.join(",")}]}`, "utf8");
  const { value, headers } = sealEnvelope(signer, { deployment, topic: TOPIC, key: log }, 0, payload);
  const outcome = await stream.publish([{ topic: TOPIC, key: log, value, headers }], {
    deadlineMs: PUBLISH_DEADLINE_MS,
  });
  if (outcome.kind === "unknown") return { kind: "not_acknowledged", cause: outcome.cause };
  acknowledge(folder, boot, chunk.end);
  removeShipped(folder, boot, chunk.end, false);
  return { kind: "shipped", bytes: bytesBetween(from, chunk.end), records: chunk.lines.length };
}

/** Within a segment its bytes; a new segment begins at its start. */
function bytesBetween(from: Place, end: Place): number {
  return from.segment === end.segment ? end.offset - from.offset : end.offset;
}
