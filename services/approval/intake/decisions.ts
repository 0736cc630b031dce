/**
 * Reads batches of the decision services' logs: signature, shape, whether the signing key may write this log, and the chain inside the batch;
 * then the command compares it with what was read of that log before.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { id, type IdKind, type Id } from "../../../core/domain/id.ts";
import {
  batchFault,
  type DecisionBatch,
  type DecisionLogRecord,
  logEntryOf,
  readDecisionBatch,
} from "../../../core/messages/decision-record.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import type { DecisionEntry, Origin } from "./ports.ts";
import type { ReadRecord } from "./quarantine.ts";
import { readSigned, refused } from "./signed-record.ts";
import { sightingOf } from "./sighting.ts";

/** The command; commits the effect and settles the origin, or refuses and does neither. */
type RecordDecisions = (command: {
  readonly entries: readonly [DecisionEntry, ...DecisionEntry[]];
  readonly origin: Origin;
}) => Promise<{ readonly kind: "recorded" } | { readonly kind: "refused"; readonly reason: string }>;

/** `verifier` knows the decision services' keys. */
export function createDecisionReader(
  { verifier, record: recordDecisions }: { readonly verifier: Verifier; readonly record: RecordDecisions },
  { deployment }: { readonly deployment: string },
): ReadRecord {
  return async (record, origin) => {
    const read = readSigned(record, readDecisionBatch, { verifier, deployment });
    if (read.kind === "refused") return read;
    const { key, kid, value: batch } = read;
    if (batch.log !== key) return refused("malformed", "the record key is not the log id");
    const fault = batchFault(batch, kid);
    if (fault !== undefined) return refused("log_inconsistent", fault);
    const outcome = await recordDecisions({ entries: entriesOf(batch), origin });
    return outcome.kind === "refused" ? refused(outcome.reason, "command") : { kind: "taken" };
  };
}

function entriesOf({ records }: DecisionBatch): readonly [DecisionEntry, ...DecisionEntry[]] {
  const [first, ...rest] = records.map(entryOf);
  if (first === undefined) throw new AppError("invalid_record", "a batch without records");
  return [first, ...rest];
}

/** @throws AppError invalid_argument when an id is malformed, invalid_record when the record has no canonical form */
function entryOf(record: DecisionLogRecord): DecisionEntry {
  const decision = record.kind === "decision" ? record : undefined;
  return {
    logId: record.log,
    ...logEntryOf(record),
    tail: record.kind === "log_closed" ? record.tail : undefined,
    decisionId: optionalId("decision", decision?.decision_id),
    denialId: optionalId("denial", decision?.denial_id),
    requestId: optionalId("request", decision?.request_id),
    grantId: optionalId("grant", decision?.grant_id),
    sighting: sightingOf(record),
    record,
  };
}

function optionalId<Kind extends IdKind>(kind: Kind, text: string | null | undefined): Id<Kind> | undefined {
  return text === null || text === undefined ? undefined : id(kind, text);
}
