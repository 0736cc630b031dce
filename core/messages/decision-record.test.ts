import { expect, test } from "@jest/globals";
import { NO_PREVIOUS } from "../domain/log-chain.ts";
import {
  batchFault,
  type DecisionLogRecord,
  decisionLogId,
  type LoggedDecision,
  logEntryOf,
  readDecisionBatch,
} from "./decision-record.ts";

const log = decisionLogId("pdp-a", "01930000-0000-7000-8000-000000000001");
const time = "2026-11-24T00:00:00.000Z";

function recordAt(before: DecisionLogRecord | undefined, closes: boolean): DecisionLogRecord {
  const link = { v: 1 as const, log, index: (before?.index ?? -1) + 1, time };
  const prev = before === undefined ? NO_PREVIOUS : logEntryOf(before).hash;
  return closes
    ? { ...link, prev, kind: "log_closed", tail: "complete" }
    : { ...link, prev, kind: "log_opened", policy_revision: null };
}

const first = recordAt(undefined, false);
const second = recordAt(first, false);
const third = recordAt(second, true);
const behind = recordAt(third, false);
const of = (...records: DecisionLogRecord[]) => batchFault({ v: 1, log, records }, "pdp-a");

test.each<[string, string | undefined]>([
  ["a record is left out", of(first, third)],
  ["a record comes twice", of(first, first, second)],
  ["a record names another predecessor", of(first, { ...second, prev: NO_PREVIOUS })],
  ["a record was changed under its successor", of({ ...first, time: "2026-11-24T00:00:01.000Z" }, second)],
  ["a record stands behind the one that closes the log", of(first, second, third, behind)],
  ["a record is of another log", of(first, { ...second, log: decisionLogId("pdp-b", "x") })],
  ["another key signed it", batchFault({ v: 1, log, records: [first] }, "pdp-b")],
])("a batch in which %s does not hang together", (_name, fault) => {
  expect(fault).toEqual(expect.any(String));
});

test("a batch that is part of a log hangs together, wherever it begins", () => {
  expect([of(first, second, third), of(second, third), of(third)]).toEqual([undefined, undefined, undefined]);
});

test("a decision may name the API client that asked, as a configuration may name one; one from before that names none is as good", () => {
  const decision: LoggedDecision = {
    ...{ v: 1, log, index: 1, prev: NO_PREVIOUS, time, kind: "decision", decision_id: "d", outcome: "allow" },
    ...{ reason: null, reasons: [], subject: null, method: "read", authority: "", path: "", masked_query: "" },
    ...{ source_address: null, policy_revision: null, entitlements: [], denial_id: null, grant_id: null },
    ...{ request_id: null, grant_reason: null, redeemed: false, mode: "ask", duration_us: 1, traceparent: null },
  };
  const kindOf = (one: object) => readDecisionBatch(Buffer.from(JSON.stringify({ v: 1, log, records: [one] }))).kind;
  expect(kindOf(decision)).toBe("parsed");
  expect(kindOf({ ...decision, client: "gateway.eu-1_a" })).toBe("parsed");
  for (const client of ["", "a b", "x".repeat(65), null]) expect(kindOf({ ...decision, client })).not.toBe("parsed");
});
