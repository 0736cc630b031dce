/**
 * What was set aside, over REST and on a real database: seen by security alone and without what it holds, read once more by the same
 * readers that refused it, taken once by however many ask, and on record under the name of whoever did.
 */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { type DecisionLogRecord, decisionLogId, decisionRecordHash } from "../../../core/messages/decision-record.ts";
import { denialToWire } from "../../../core/messages/denial-record.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { NO_PREVIOUS } from "../../../core/domain/log-chain.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import { createAcceptDenial } from "../../../services/approval/commands/accept-denial.ts";
import { createQuarantineRecord } from "../../../services/approval/commands/quarantine-record.ts";
import { createRecordDecisions } from "../../../services/approval/commands/record-decision.ts";
import type { TakeRecord } from "../../../services/approval/intake/consumer.ts";
import { createDecisionReader } from "../../../services/approval/intake/decisions.ts";
import { createDenialReader } from "../../../services/approval/intake/denials.ts";
import { createIntakeEvents } from "../../../services/approval/intake/events.ts";
import { type ReadRecord, withQuarantine } from "../../../services/approval/intake/quarantine.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { account, denialFor, ids } from "./approval-fixture.ts";
import { silent } from "./migrated-database.ts";
import { at, itemsOf, textAt } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

const DEPLOYMENT = "test";
const CANARY = "CANARY-secret-4711";
const pair = generateKeyPairSync("ed25519");
const signer = createSigner("pdp-new", pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const publicKeys = new Map([["pdp-new", pair.publicKey.export({ type: "spki", format: "pem" }).toString()]]);
/** The keys that the service trusts now; as after a restart with another configuration. */
let trusted = createVerifier(new Map());

let rest: RestApproval;
let readers: ReadonlyMap<string, ReadRecord>;
let take: TakeRecord;
beforeAll(async () => {
  rest = await createRestApproval({
    readersOf({ store, people, submit }) {
      const verifier: typeof trusted = { verify: (...args) => trusted.verify(...args) };
      const accept = createAcceptDenial({ store, people, submit });
      readers = new Map([
        [TOPICS.denials.name, createDenialReader({ verifier, accept }, { deployment: DEPLOYMENT })],
        [
          TOPICS.decisions.name,
          createDecisionReader({ verifier, record: createRecordDecisions({ store }) }, { deployment: DEPLOYMENT }),
        ],
      ]);
      return readers;
    },
  });
  const events = createIntakeEvents({ metrics: createMetrics({ prefix: "t_" }), log: silent });
  const quarantine = createQuarantineRecord({ store: rest.store, ids });
  take = (record, position) => {
    const read = readers.get(record.topic);
    if (read === undefined) throw new Error(`no reader of ${record.topic}`);
    return withQuarantine(read, { quarantine, events })(record, position);
  };
}, 90_000);
afterAll(() => rest.close());

const sam = tokenOf("sam", ["security"]);

/** Takes a signed record as intake would; says under which id it was set aside, or undefined when it was taken. */
async function deliver(topic: string, key: string, payload: object): Promise<string | undefined> {
  const from = await storedOffset(rest.database, topic, 0, 0n);
  const sealed = sealEnvelope(signer, { deployment: DEPLOYMENT, topic, key }, 0, Buffer.from(JSON.stringify(payload)));
  const headers = new Map([...sealed.headers].map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]));
  const record: StreamRecord = { topic, partition: 0, offset: from, key, value: sealed.value, headers, timestampMs: 0 };
  await take(record, { topic, partition: 0, from, next: from + 1n });
  const { rows } = await rest.database.query<{ id: string }>(
    "select id from quarantine where topic = $1 and record_offset = $2",
    [topic, from.toString()],
  );
  return rows[0]?.id;
}

async function denialSetAside() {
  const now = await rest.store.reads.now();
  const subject = { ...account(randomUUID()), claims: { note: CANARY, [CANARY]: 1 } };
  const denial = denialFor(subject, now, { justification: `${CANARY} is why` });
  const id = await deliver(TOPICS.denials.name, denial.key, denialToWire(denial));
  if (id === undefined) throw new Error("it was taken");
  return { id, denial };
}

const dismiss = (id: string, token = sam, headers: Record<string, string> = {}) =>
  rest.call("POST", `/v1/quarantine/${id}/dismiss`, { token, headers, body: { reason: "forged, and nobody's key" } });
const replay = (id: string, token = sam) => rest.call("POST", `/v1/quarantine/${id}/replay`, { token });

async function eventsOf(id: string): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await rest.database.query<{ data: Record<string, unknown>; type: string }>(
    `select event -> 'data' as data, event ->> 'type' as type from outbox
      where event -> 'data' ->> 'quarantine_id' = $1 order by id`,
    [id],
  );
  return rows.map(({ data, type }) => ({ type, outcome: data["outcome"], reason: data["reason"], by: data["by"] }));
}

test("nobody but security sees a record, that there is one, or has one replayed", async () => {
  const { id } = await denialSetAside();
  for (const token of [tokenOf("dana"), tokenOf("max", ["managers"])]) {
    for (const one of [id, randomUUID()]) {
      for (const answer of [
        await rest.call("GET", "/v1/quarantine", { token }),
        await rest.call("GET", `/v1/quarantine/${one}`, { token }),
        await replay(one, token),
        await dismiss(one, token),
      ])
        expect([answer.status, at(answer, "code")]).toEqual([403, "security_role_required"]);
    }
  }
  expect(await eventsOf(id)).toHaveLength(1);
});

test("what does not exist is 404, and what is no id, cursor or state is 400", async () => {
  for (const answer of [
    await rest.call("GET", `/v1/quarantine/${randomUUID()}`, { token: sam }),
    await replay(randomUUID()),
    await dismiss(randomUUID()),
  ])
    expect([answer.status, at(answer, "code")]).toEqual([404, "unknown_record"]);
  for (const url of ["/42", "?cursor=x", "?state=forged", "?limit=0", "?offset=1"]) {
    expect([url, (await rest.call("GET", `/v1/quarantine${url}`, { token: sam })).status]).toEqual([url, 400]);
  }
});

test("nothing that the record holds is shown: not its claims, its reason, nor a name in it", async () => {
  const { id, denial } = await denialSetAside();
  const forged = `${CANARY}-key`;
  const odd = await deliver(TOPICS.denials.name, forged, { v: 1, [CANARY]: CANARY, field_hashes: { [CANARY]: 1 } });
  for (const one of [id, odd ?? ""]) {
    const shown = await rest.call("GET", `/v1/quarantine/${one}`, { token: sam });
    expect(shown.status).toBe(200);
    expect(JSON.stringify([shown.body, shown.headers])).not.toContain(CANARY);
  }
  const list = await rest.call("GET", "/v1/quarantine", { token: sam });
  expect(JSON.stringify(list.body)).not.toContain(CANARY);
  const shown = await rest.call("GET", `/v1/quarantine/${id}`, { token: sam });
  expect(shown.body).toMatchObject({
    record: { id, topic: TOPICS.denials.name, reason: "signature_invalid", key: denial.key, key_id: "pdp-new" },
    payload: { kind: "json", members: { v: 1, denial_id: denial.id, minted_at: expect.any(String) } },
  });
});

test("a record that is refused again stays, says why, and the try is on record", async () => {
  const { id, denial } = await denialSetAside();
  const answer = await replay(id);
  expect(answer).toMatchObject({ status: 200, body: { outcome: "refused", reason: "signature_invalid" } });
  expect(at(answer, "record.refused_replays")).toBe(1);
  expect(at(answer, "record.taken_at")).toBeNull();
  expect(await rest.store.reads.denial(denial.id)).toBeUndefined();
  const [, told] = await eventsOf(id);
  expect(told).toMatchObject({ type: "countersign.record.replayed.v1", outcome: "refused", by: { subject: "sam" } });
});

test("once its key is trusted it is taken exactly once by eight who ask at once, and every further replay says so", async () => {
  const { id, denial } = await denialSetAside();
  trusted = createVerifier(publicKeys);
  try {
    const answers = await Promise.all(Array.from({ length: 8 }, () => replay(id)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.map((answer) => at(answer, "outcome"))).toEqual(answers.map(() => "taken"));
  } finally {
    trusted = createVerifier(new Map());
  }
  expect(await rest.store.reads.denial(denial.id)).toMatchObject({ id: denial.id });
  expect((await eventsOf(id)).map((event) => event["outcome"])).toEqual([undefined, "taken"]);
  expect(await replay(id)).toMatchObject({ status: 200, body: { outcome: "taken" } });
  const idsOf = async (state: string) =>
    JSON.stringify((await rest.call("GET", `/v1/quarantine?limit=200&state=${state}`, { token: sam })).body);
  expect(await idsOf("open")).not.toContain(id);
  expect(await idsOf("taken")).toContain(id);
});

test("a forged record is dismissed once by eight who ask at once, with the reason on record; it is no longer open and is never taken", async () => {
  const { id, denial } = await denialSetAside();
  for (const body of [{}, { reason: "" }, { reason: "\0" }, { reason: "forged", more: 1 }]) {
    const nothing = await rest.call("POST", `/v1/quarantine/${id}/dismiss`, { token: sam, body });
    expect([nothing.status, at(nothing, "code")]).toEqual([400, "invalid_request"]);
  }
  const answers = await Promise.all(Array.from({ length: 8 }, () => dismiss(id)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers[0]?.body).toMatchObject({ dismissed_reason: "forged, and nobody's key", taken_at: null });
  expect(new Set(answers.map((answer) => textAt(answer, "dismissed_at"))).size).toBe(1);
  const told = (await eventsOf(id)).slice(1);
  expect(told).toMatchObject([
    { type: "countersign.record.dismissed.v1", reason: "forged, and nobody's key", by: { subject: "sam" } },
  ]);
  trusted = createVerifier(publicKeys);
  try {
    const again = await replay(id);
    expect([again.status, at(again, "code")]).toEqual([409, "record_dismissed"]);
  } finally {
    trusted = createVerifier(new Map());
  }
  expect(await rest.store.reads.denial(denial.id)).toBeUndefined();
  const idsOf = async (state: string) =>
    JSON.stringify((await rest.call("GET", `/v1/quarantine?limit=200&state=${state}`, { token: sam })).body);
  expect(await idsOf("open")).not.toContain(id);
  expect(await idsOf("dismissed")).toContain(id);
});

test("dismissing under one Idempotency-Key is answered alike; what was taken cannot be dismissed; whoever is first of the two wins", async () => {
  const { id } = await denialSetAside();
  const headers = { "idempotency-key": randomUUID() };
  const [first, repeated] = [await dismiss(id, sam, headers), await dismiss(id, sam, headers)];
  expect(repeated.body).toEqual(first.body);
  expect(repeated.headers["idempotency-replayed"]).toBe("true");

  const [{ id: raced }, { id: done }] = [await denialSetAside(), await denialSetAside()];
  trusted = createVerifier(publicKeys);
  try {
    const [dismissed, taken] = await Promise.all([dismiss(raced), replay(raced)]);
    expect([dismissed.status, taken.status].toSorted((a, b) => a - b)).toEqual([200, 409]);
    expect(await replay(done)).toMatchObject({ body: { outcome: "taken" } });
    const late = await dismiss(done);
    expect([late.status, at(late, "code")]).toEqual([409, "already_taken"]);
  } finally {
    trusted = createVerifier(new Map());
  }
});

test("records that have ended are forgotten after 30 days; what is open stays however old it is", async () => {
  const [open, ended, young] = [await denialSetAside(), await denialSetAside(), await denialSetAside()];
  await dismiss(ended.id);
  await dismiss(young.id);
  await rest.database.query(
    `update quarantine set quarantined_at = now() - interval '90 days',
            dismissed_at = dismissed_at - case when id = $1 then interval '31 days' else interval '29 days' end`,
    [ended.id],
  );
  const before = instant((await rest.store.reads.now()) - 30 * 24 * 3_600_000);
  await rest.store.transaction((tx) => tx.quarantine.forget(before, 100));
  const status = async (id: string) => (await rest.call("GET", `/v1/quarantine/${id}`, { token: sam })).status;
  expect([await status(open.id), await status(ended.id), await status(young.id)]).toEqual([200, 404, 200]);
});

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

const batch = (log: string, records: readonly DecisionLogRecord[]) =>
  deliver(TOPICS.decisions.name, log, { v: 1, log, records });

async function republished(log: string): Promise<readonly number[]> {
  const { rows } = await rest.database.query<{ leaf_index: string }>(
    "select leaf_index from republish where log_id = $1 order by leaf_index",
    [log],
  );
  return rows.map((row) => Number(row.leaf_index));
}

test("decisions that were set aside fill the gap that they left, also in parts; those of another chain do not", async () => {
  const { log, send } = logOf(8);
  const other = logOf(8);
  trusted = createVerifier(publicKeys);
  await send(0, 2);
  trusted = createVerifier(new Map());
  const [late, later] = [await send(2, 4), await send(4, 6)];
  const forged = await batch(
    log,
    other.records.slice(3, 4).map((record) => ({ ...record, log })),
  );
  trusted = createVerifier(publicKeys);
  try {
    expect(await send(6, 8)).toBeUndefined();
    expect(await republished(log)).toEqual([0, 1, 6, 7]);
    expect(await replay(later ?? "")).toMatchObject({ body: { outcome: "taken" } });
    expect(await republished(log)).toEqual([0, 1, 4, 5, 6, 7]);
    expect(await replay(forged ?? "")).toMatchObject({ body: { outcome: "refused", reason: "chain_broken" } });
    expect(await replay(late ?? "")).toMatchObject({ body: { outcome: "taken" } });
    expect(await republished(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const { rows } = await rest.database.query("select from decision_log_gaps where log_id = $1", [log]);
    expect(rows).toHaveLength(0);
  } finally {
    trusted = createVerifier(new Map());
  }
});

test("pages hold each record once while more are set aside", async () => {
  const made: string[] = [];
  for (let n = 0; n < 5; n += 1) made.push((await denialSetAside()).id);
  const seen: string[] = [];
  let cursor = "";
  for (let n = 0; n < 3; n += 1) {
    const answer = await rest.call("GET", `/v1/quarantine?limit=2${cursor}`, { token: sam });
    seen.push(...itemsOf(answer).map((_, item) => textAt(answer, `items.${item}.id`)));
    await denialSetAside();
    cursor = `&cursor=${textAt(answer, "next")}`;
  }
  expect(seen.slice(0, 5)).toEqual(made.toReversed());
});
