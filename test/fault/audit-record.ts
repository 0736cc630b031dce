/** The audit topic as an auditor takes it: every record, the chains judged, and repetitions dropped by (log, index). */
import { readAuditEvent } from "../../cli/verify/audit-record.ts";
import { createChainCheck, type LogVerdict } from "../../cli/verify/chain.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { textAt } from "../../platform/programs/client.ts";
import { recordsIn } from "../harness/system/topics.ts";
import type { System } from "../harness/system.ts";

type AuditRecord = {
  readonly verdicts: readonly LogVerdict[];
  /** Once each, in the order in which they first came. */
  readonly events: readonly unknown[];
  /** Records that repeat an earlier one. */
  readonly repeated: number;
};

export async function readAuditRecord({ openStream }: Pick<System, "openStream">): Promise<AuditRecord> {
  await using stream = openStream();
  const records = await recordsIn(stream, TOPICS.audit.name);
  const check = createChainCheck({ fromZero: true });
  const byPlace = new Map<string, unknown>();
  for (const { value, offset, partition } of records) {
    if (value === null) throw new Error(`a tombstone on the audit topic at ${partition}/${offset}`);
    check.add(readAuditEvent(value), `${partition}/${offset}`);
    const event: unknown = JSON.parse(value.toString("utf8"));
    const place = `${textAt(event, "logid")} ${textAt(event, "leafindex")}`;
    if (!byPlace.has(place)) byPlace.set(place, event);
  }
  return {
    verdicts: check.verdict().logs,
    events: [...byPlace.values()],
    repeated: records.length - byPlace.size,
  };
}

/** `type` without what all have in common, and what of the domain an event is about. */
export function kindOf(event: unknown): string {
  return textAt(event, "type").replace(/^countersign\.|\.v1$/g, "");
}
