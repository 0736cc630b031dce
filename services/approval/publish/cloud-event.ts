/**
 * An audit event as a record of the audit topic: CloudEvents structured mode, so the value is the whole event, with the context attributes
 * repeated as `ce_*` headers for routing without parsing (Kafka protocol binding 3.3). The key is the log id, so each log is in one partition and
 * in order.
 */
import { Type } from "typebox";
import { AppError } from "../../../core/domain/app-error.ts";
import { createParser } from "../../../core/messages/parse.ts";
import type { OutgoingRecord } from "../../../platform/stream/port.ts";

const CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8";

/** The attributes that every audit event has; all others that are text become headers too. */
const parseContext = createParser(
  Type.Object({
    specversion: Type.Literal("1.0"),
    id: Type.String(),
    source: Type.String(),
    type: Type.String(),
    logid: Type.String(),
    leafindex: Type.String(),
    leafhash: Type.String(),
  }),
);

/** `text` is the event exactly as it is stored. @throws AppError invalid_record, naming `place`, when it is no audit event */
export function auditRecord(topic: string, text: string, place: string): OutgoingRecord {
  const parsed = parseContext(text);
  if (parsed.kind === "malformed") throw new AppError("invalid_record", `${place} is not an event: ${parsed.detail}`);
  const headers = new Map([["content-type", CONTENT_TYPE]]);
  for (const [name, attribute] of Object.entries<unknown>(parsed.value)) {
    // datacontenttype describes `data`; in structured mode the content type is the event's.
    if (typeof attribute === "string" && name !== "datacontenttype") headers.set(`ce_${name}`, attribute);
  }
  return { topic, key: parsed.value.logid, value: Buffer.from(text, "utf8"), headers };
}
