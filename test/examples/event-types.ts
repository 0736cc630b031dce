/** Every type of event that comes to the audit topic, in the order in which the examples show them. */
import type { EventType } from "../../core/domain/events.ts";
import type { DecisionLogRecord } from "../../core/messages/decision-record.ts";

type AuditType = EventType | DecisionLogRecord["kind"];

/** NB: the compiler sees to it that none is missing. */
const ALL: Readonly<Record<AuditType, true>> = {
  log_opened: true,
  decision: true,
  "request.submitted": true,
  "review.refused": true,
  "review.recorded": true,
  "request.approved": true,
  "request.denied": true,
  "request.cancelled": true,
  "request.expired": true,
  "request.failed": true,
  "grant.issued": true,
  "grant.used": true,
  "grant.revoked": true,
  "grant.expired": true,
  "record.quarantined": true,
  "record.replayed": true,
  "incident.opened": true,
  "incident.closed": true,
  "record.dismissed": true,
  log_closed: true,
};

/** As CloudEvents name them. */
export const AUDIT_TYPES: readonly string[] = Object.keys(ALL).map((type) => `countersign.${type}.v1`);
