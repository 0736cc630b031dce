/** Logs of decision services as intake hands them to the command. */
import { randomUUID } from "node:crypto";
import { NO_PREVIOUS } from "../../../core/domain/log-chain.ts";
import {
  type DecisionLogRecord,
  decisionLogId,
  type LoggedDecision,
  logEntryOf,
} from "../../../core/messages/decision-record.ts";
import { sightingOf } from "../../../services/approval/intake/sighting.ts";
import type { DecisionEntry } from "../../../services/approval/intake/ports.ts";
import { ids } from "./approval-fixture.ts";

/** A log of `length` entries: opened, then decisions that name `more`. */
export function logOf(length: number, more: Partial<LoggedDecision> = {}): [DecisionEntry, ...DecisionEntry[]] {
  const log = decisionLogId("pdp-1", randomUUID());
  const time = "2026-11-24T00:00:00.000Z";
  let previous = NO_PREVIOUS;
  const entryOf = (one: DecisionLogRecord): DecisionEntry => {
    const entry: DecisionEntry = {
      logId: log,
      ...logEntryOf(one),
      tail: undefined,
      decisionId: one.kind === "decision" ? ids.fresh("decision") : undefined,
      denialId: undefined,
      requestId: undefined,
      grantId: undefined,
      sighting: sightingOf(one),
      record: one,
    };
    previous = entry.hash;
    return entry;
  };
  const opened = entryOf({ v: 1, log, index: 0, prev: previous, time, kind: "log_opened", policy_revision: null });
  const decisions = Array.from({ length: length - 1 }, (_, n) =>
    entryOf({
      ...{ v: 1, log, index: n + 1, prev: previous, time, kind: "decision", decision_id: randomUUID() },
      ...{ outcome: "allow", reason: null, reasons: [], subject: null, method: "GET", authority: "a", path: "/" },
      ...{ masked_query: "", source_address: null, policy_revision: null, entitlements: [], denial_id: null },
      ...{ grant_id: null, request_id: null, grant_reason: null, redeemed: false, mode: "enforce", duration_us: 1 },
      traceparent: null,
      ...more,
    }),
  );
  return [opened, ...decisions];
}

export function some(entries: readonly DecisionEntry[]): [DecisionEntry, ...DecisionEntry[]] {
  const [first, ...rest] = entries;
  if (first === undefined) throw new Error("no entries");
  return [first, ...rest];
}
