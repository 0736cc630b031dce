/** Decisions that were set aside and are read once more: they fill the gap that they left in their log, and no other. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type DecisionLogRecord, decisionLogId, decisionRecordHash } from "../../../core/messages/decision-record.ts";
import { type EnvelopeForm, MAX_UNPACKED_BYTES } from "../../../core/messages/envelope.ts";
import { NO_PREVIOUS } from "../../../core/domain/log-chain.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createQuarantine, type Quarantine, sam } from "./quarantine-fixture.ts";

let quarantine: Quarantine;
beforeAll(async () => {
  quarantine = await createQuarantine();
});
afterAll(() => quarantine.close());

/** A log of `length` records, as a decision service would write it. */
function logOf(length: number) {
  const log = decisionLogId("pdp-new", randomUUID());
  const records: DecisionLogRecord[] = [];
  for (let index = 0; index < length; index += 1) {
    const last = records.at(-1);
    const link = { v: 1 as const, log, index, prev: last === undefined ? NO_PREVIOUS : decisionRecordHash(last) };
    const time = "2026-11-24T00:00:00.000Z";
    records.push(
      index === 0
        ? { ...link, time, kind: "log_opened", policy_revision: null }
        : {
            ...{ ...link, time, kind: "decision", decision_id: randomUUID(), outcome: "allow", reason: null },
            ...{ reasons: [], subject: null, method: "GET", authority: "a", path: "/", masked_query: "" },
            ...{ source_address: null, policy_revision: null, entitlements: [], denial_id: null, grant_id: null },
            ...{ request_id: null, grant_reason: null, redeemed: false, mode: "enforce", duration_us: 1 },
            traceparent: null,
          },
    );
  }
  return { log, send: (from: number, to: number) => batch(log, records.slice(from, to)), records };
}

const batch = (log: string, records: readonly DecisionLogRecord[], form?: EnvelopeForm) =>
  quarantine.deliver(TOPICS.decisions.name, log, { v: 1, log, records }, form);

async function republished(log: string): Promise<readonly number[]> {
  const { rows } = await quarantine.rest.database.query<{ leaf_index: string }>(
    "select leaf_index from republish where log_id = $1 order by leaf_index",
    [log],
  );
  return rows.map((row) => Number(row.leaf_index));
}

test("decisions that were set aside fill the gap that they left, also in parts; those of another chain do not", async () => {
  const { log, send } = logOf(8);
  const other = logOf(8);
  quarantine.trustKey();
  await send(0, 2);
  quarantine.trustNobody();
  const [late, later] = [await send(2, 4), await send(4, 6)];
  const forged = await batch(
    log,
    other.records.slice(3, 4).map((record) => ({ ...record, log })),
  );
  quarantine.trustKey();
  try {
    expect(await send(6, 8)).toBeUndefined();
    expect(await republished(log)).toEqual([0, 1, 6, 7]);
    expect(await quarantine.replay(later ?? "")).toMatchObject({ body: { outcome: "taken" } });
    expect(await republished(log)).toEqual([0, 1, 4, 5, 6, 7]);
    expect(await quarantine.replay(forged ?? "")).toMatchObject({
      body: { outcome: "refused", reason: "chain_broken" },
    });
    expect(await quarantine.replay(late ?? "")).toMatchObject({ body: { outcome: "taken" } });
    expect(await republished(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const { rows } = await quarantine.rest.database.query("select from decision_log_gaps where log_id = $1", [log]);
    expect(rows).toHaveLength(0);
  } finally {
    quarantine.trustNobody();
  }
});

test("a packed batch as full as it may be that was set aside is shown by its members, and all of it is taken when it is read once more", async () => {
  const { log, records } = logOf(400);
  const bytes = JSON.stringify({ v: 1, log, records }).length;
  expect(bytes).toBeGreaterThan(0.75 * MAX_UNPACKED_BYTES);
  expect(bytes).toBeLessThanOrEqual(MAX_UNPACKED_BYTES);
  const id = await batch(log, records, "packed");
  const shown = await quarantine.rest.call("GET", `/v1/quarantine/${id}`, { token: sam });
  expect(shown.body).toMatchObject({
    record: { reason: "signature_invalid" },
    payload: { kind: "json", members: { v: 1, log, records: expect.arrayContaining([expect.anything()]) } },
  });
  quarantine.trustKey();
  try {
    expect(await quarantine.replay(id ?? "")).toMatchObject({ body: { outcome: "taken" } });
    expect(await republished(log)).toEqual(records.map(({ index }) => index));
  } finally {
    quarantine.trustNobody();
  }
});
