/**
 * One audit event as somebody else kept it: bytes → an event whose own parts agree. What is checked here needs no other event:
 * the shape; that the leaf hash follows from the content; and for a republished decision, whose hash covers only
 * `data.record`, that the CloudEvent around it says nothing else than the record does. Only `data.approval` is nobody's
 * word but the approval service's.
 */
import { digest } from "../../core/domain/id.ts";
import type { LogEntry } from "../../core/domain/log-chain.ts";
import {
  type AuditEvent,
  AuditEventSchema,
  recomputedLeafHash,
  republishedDecision,
} from "../../core/messages/audit-event.ts";
import { DecisionLogRecordSchema } from "../../core/messages/decision-record.ts";
import { createParser } from "../../core/messages/parse.ts";

const parseEvent = createParser(AuditEventSchema);
const parseRecord = createParser(DecisionLogRecordSchema);

/** `closes`: the log says of itself that nothing follows. `fault`: why this event contradicts itself. */
export type ReadEvent =
  | { readonly kind: "event"; readonly link: Link; readonly fault: string | undefined }
  | { readonly kind: "unreadable"; readonly detail: string };

export type Link = LogEntry & { readonly log: string };

/** Never throws. */
export function readAuditEvent(bytes: Uint8Array): ReadEvent {
  const parsed = parseEvent(bytes);
  if (parsed.kind === "malformed") return { kind: "unreadable", detail: parsed.detail };
  const event = parsed.value;
  const decisionLog = event.logid.startsWith("pdp/");
  return {
    kind: "event",
    link: {
      log: event.logid,
      index: BigInt(event.leafindex),
      previous: digest(event.prevhash),
      hash: digest(event.leafhash),
      closes: decisionLog && event.type === "countersign.log_closed.v1",
    },
    fault: (decisionLog ? contradiction(event) : undefined) ?? hashFault(event),
  };
}

function hashFault(event: AuditEvent): string | undefined {
  try {
    return recomputedLeafHash(event) === event.leafhash ? undefined : "the leaf hash does not follow from the content";
  } catch {
    return "the content has no canonical form, so no hash";
  }
}

function contradiction(event: AuditEvent): string | undefined {
  const record = parseRecord(Buffer.from(JSON.stringify(event.data["record"] ?? null), "utf8"));
  if (record.kind === "malformed") return `not a decision record: ${record.detail}`;
  const [, deployment = ""] = /^\/countersign\/([^/]+)\//.exec(event.source) ?? [];
  try {
    const { data: _data, ...expected } = republishedDecision(record.value, undefined, deployment);
    for (const [name, value] of Object.entries(expected)) {
      // Events from before it was an attribute name it in the record alone.
      if (name === "traceparent" && event.traceparent === undefined) continue;
      if (Object.entries(event).find(([key]) => key === name)?.[1] !== value)
        return `${name} does not follow from the decision record`;
    }
  } catch {
    return "the decision record has no canonical form, so no hash";
  }
  return undefined;
}
