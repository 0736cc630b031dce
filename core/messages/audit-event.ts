/**
 * Audit events as CloudEvents 1.0 in structured mode. A *sealed* event is one of the approval service's own: the sealer gives it its place
 * (`logid`, `leafindex`, `prevhash`), and its leaf hash covers all of it except `leafhash` itself. A *republished decision* keeps place and hash
 * of the decision service's log: the hash covers `data.record`; what the approval service knows about it is added in `data.approval`, outside
 * what is hashed. CloudEvents integers have 32 bits, so `leafindex` is decimal text, like the spec's own `sequence` extension.
 */
import { Type } from "typebox";
import type { DomainEvent, Principal } from "../domain/events.ts";
import type { Digest, Id } from "../domain/id.ts";
import type { Json } from "../domain/subject.ts";
import { firstTraceparent } from "../../platform/traces/traceparent.ts";
import { type Instant, rfc3339 } from "../domain/time.ts";
import { dataToWire } from "./audit-data.ts";
import { type DecisionLogRecord, decisionRecordHash } from "./decision-record.ts";
import { leafHash } from "./hashing.ts";

export type AuditEvent = {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly subject: string;
  readonly datacontenttype: "application/json";
  readonly dataschema: string;
  readonly logid: string;
  readonly leafindex: string;
  readonly prevhash: string;
  readonly leafhash: string;
  /** Of the span that made the event (CloudEvents distributed tracing extension); left out where there was none. */
  readonly traceparent?: string;
  readonly data: { readonly [key: string]: Json };
};

/** An event as it waits in the outbox: all but its place in the log. */
type UnsealedEvent = Omit<AuditEvent, "logid" | "leafindex" | "prevhash" | "leafhash">;

/** Open, because a later version may add attributes; what is added is covered by the hash like the rest. */
export const UnsealedEventSchema = Type.Object({
  specversion: Type.Literal("1.0"),
  id: Type.String(),
  source: Type.String(),
  type: Type.String(),
  time: Type.String(),
  subject: Type.String(),
  datacontenttype: Type.Literal("application/json"),
  dataschema: Type.String(),
  traceparent: Type.Optional(Type.String()),
  data: Type.Record(Type.String(), Type.Unsafe<Json>({})),
});

const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

/** With its place, as the topic carries it. */
export const AuditEventSchema = Type.Object({
  ...UnsealedEventSchema.properties,
  logid: Type.String({ minLength: 1 }),
  leafindex: Type.String({ pattern: "^(0|[1-9][0-9]{0,14})$" }),
  prevhash: Sha256,
  leafhash: Sha256,
});

type LogPlace = { readonly logId: string; readonly index: bigint; readonly previous: Digest };

/** The approval service's log. */
export const APPROVAL_LOG = "approval";

export function unsealedEvent(
  event: DomainEvent,
  eventId: Id<"event">,
  at: Instant,
  { deployment, traceparent }: { readonly deployment: string; readonly traceparent?: string | undefined },
): UnsealedEvent {
  return {
    specversion: "1.0",
    id: eventId,
    source: `/countersign/${deployment}/approval`,
    type: `countersign.${event.type}.v1`,
    time: rfc3339(at),
    subject: subjectOf(event),
    datacontenttype: "application/json",
    dataschema: `urn:countersign:schema:${event.type}:v1`,
    ...(traceparent === undefined ? {} : { traceparent }),
    data: {
      by: principalToWire(event.by),
      denial_id: event.denialId ?? null,
      request_id: event.requestId ?? null,
      grant_id: event.grantId ?? null,
      policy_revision: event.policyRevision ?? null,
      ...dataToWire(event),
    },
  };
}

/** Gives an event its place; the leaf hash covers everything, the place included. */
export function sealEvent(event: UnsealedEvent, place: LogPlace): AuditEvent {
  const { data, ...context } = event;
  const placed = {
    ...context,
    logid: place.logId,
    leafindex: place.index.toString(),
    prevhash: place.previous,
    data,
  };
  return { ...placed, leafhash: leafHash(placed) };
}

/** What the approval service knows about a decision that touched a denial, request or grant. */
export type DecisionApproval = {
  readonly request_id: string;
  readonly justification: string;
  readonly requester: Json;
  readonly approved_by: readonly Json[];
  readonly grant_id: string | null;
};

/** A decision on its way to the SIEM, under its own log, index and hash. */
export function republishedDecision(
  record: DecisionLogRecord,
  approval: DecisionApproval | undefined,
  deployment: string,
): AuditEvent {
  const traceparent = record.kind === "decision" ? firstTraceparent([record.traceparent]) : undefined;
  return {
    specversion: "1.0",
    id: record.kind === "decision" ? record.decision_id : `${record.log}#${record.index}`,
    source: `/countersign/${deployment}/${record.log}`,
    type: `countersign.${record.kind}.v1`,
    time: record.time,
    subject: record.kind === "decision" ? `decision/${record.decision_id}` : `log/${record.log}`,
    datacontenttype: "application/json",
    dataschema: `urn:countersign:schema:${record.kind}:v1`,
    logid: record.log,
    leafindex: String(record.index),
    prevhash: record.prev,
    leafhash: decisionRecordHash(record),
    ...(traceparent === undefined ? {} : { traceparent }),
    data: { record, approval: approval === undefined ? null : { ...approval } },
  };
}

/** The hash an event has to carry, recomputed from the event itself; what `verify` compares. */
export function recomputedLeafHash(event: AuditEvent): Digest {
  const record = event.data["record"];
  if (event.logid.startsWith("pdp/") && record !== undefined) return leafHash(record);
  const { leafhash: _carried, ...rest } = event;
  return leafHash(rest);
}

function subjectOf(event: DomainEvent): string {
  if (event.grantId !== undefined) return `grant/${event.grantId}`;
  if (event.requestId !== undefined) return `request/${event.requestId}`;
  if (event.denialId !== undefined) return `denial/${event.denialId}`;
  return "incidentId" in event.data ? `incident/${event.data.incidentId}` : "service/approval";
}

function principalToWire(by: Principal): Json {
  if (by.kind === "service") return { service: by.name };
  return {
    person: by.person === undefined ? null : { ...by.person },
    issuer: by.issuer,
    subject: by.subject,
    actors: by.actors.map((actor) => ({ ...actor })),
  };
}
