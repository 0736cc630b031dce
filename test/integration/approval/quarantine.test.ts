/**
 * What was set aside, over REST and on a real database: seen by security alone and without what it holds, read once more by the same
 * readers that refused it, taken once by however many ask, and on record under the name of whoever did.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { at, itemsOf, textAt } from "./rest-answer.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { hold, inLocks } from "./redeeming.ts";
import { CANARY, createQuarantine, type Quarantine, sam } from "./quarantine-fixture.ts";
import { tokenOf } from "./rest-fixture.ts";

let quarantine: Quarantine;
beforeAll(async () => {
  quarantine = await createQuarantine();
});
afterAll(() => quarantine.close());

test("nobody but security sees a record, that there is one, or has one replayed", async () => {
  const { id } = await quarantine.denialSetAside();
  for (const token of [tokenOf("dana"), tokenOf("max", ["managers"])]) {
    for (const one of [id, randomUUID()]) {
      for (const answer of [
        await quarantine.rest.call("GET", "/v1/quarantine", { token }),
        await quarantine.rest.call("GET", `/v1/quarantine/${one}`, { token }),
        await quarantine.replay(one, token),
        await quarantine.dismiss(one, token),
      ])
        expect([answer.status, at(answer, "code")]).toEqual([403, "security_role_required"]);
    }
  }
  expect(await quarantine.eventsOf(id)).toHaveLength(1);
});

test("what does not exist is 404, and what is no id, cursor or state is 400", async () => {
  for (const answer of [
    await quarantine.rest.call("GET", `/v1/quarantine/${randomUUID()}`, { token: sam }),
    await quarantine.replay(randomUUID()),
    await quarantine.dismiss(randomUUID()),
  ])
    expect([answer.status, at(answer, "code")]).toEqual([404, "unknown_record"]);
  for (const url of ["/42", "?cursor=x", "?state=forged", "?limit=0", "?offset=1"]) {
    expect([url, (await quarantine.rest.call("GET", `/v1/quarantine${url}`, { token: sam })).status]).toEqual([
      url,
      400,
    ]);
  }
});

test("nothing that the record holds is shown: not its claims, its reason, nor a name in it", async () => {
  const { id, denial } = await quarantine.denialSetAside();
  const forged = `${CANARY}-key`;
  const odd = await quarantine.deliver(TOPICS.denials.name, forged, {
    v: 1,
    [CANARY]: CANARY,
    field_hashes: { [CANARY]: 1 },
  });
  for (const one of [id, odd ?? ""]) {
    const shown = await quarantine.rest.call("GET", `/v1/quarantine/${one}`, { token: sam });
    expect(shown.status).toBe(200);
    expect(JSON.stringify([shown.body, shown.headers])).not.toContain(CANARY);
  }
  const list = await quarantine.rest.call("GET", "/v1/quarantine", { token: sam });
  expect(JSON.stringify(list.body)).not.toContain(CANARY);
  const shown = await quarantine.rest.call("GET", `/v1/quarantine/${id}`, { token: sam });
  expect(shown.body).toMatchObject({
    record: { id, topic: TOPICS.denials.name, reason: "signature_invalid", key: denial.key, key_id: "pdp-new" },
    payload: { kind: "json", members: { v: 1, denial_id: denial.id, minted_at: expect.any(String) } },
  });
});

test("a record that is refused again stays, says why, and the try is on record", async () => {
  const { id, denial } = await quarantine.denialSetAside();
  const answer = await quarantine.replay(id);
  expect(answer).toMatchObject({ status: 200, body: { outcome: "refused", reason: "signature_invalid" } });
  expect(at(answer, "record.refused_replays")).toBe(1);
  expect(at(answer, "record.taken_at")).toBeNull();
  expect(await quarantine.rest.store.reads.denial(denial.id)).toBeUndefined();
  const [, told] = await quarantine.eventsOf(id);
  expect(told).toMatchObject({ type: "countersign.record.replayed.v1", outcome: "refused", by: { subject: "sam" } });
});

test("once its key is trusted it is taken exactly once by eight who ask at once, and every further replay says so", async () => {
  const { id, denial } = await quarantine.denialSetAside();
  quarantine.trustKey();
  try {
    const answers = await Promise.all(Array.from({ length: 8 }, () => quarantine.replay(id)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.map((answer) => at(answer, "outcome"))).toEqual(answers.map(() => "taken"));
  } finally {
    quarantine.trustNobody();
  }
  expect(await quarantine.rest.store.reads.denial(denial.id)).toMatchObject({ id: denial.id });
  expect((await quarantine.eventsOf(id)).map((event) => event["outcome"])).toEqual([undefined, "taken"]);
  expect(await quarantine.replay(id)).toMatchObject({ status: 200, body: { outcome: "taken" } });
  const idsOf = async (state: string) =>
    JSON.stringify((await quarantine.rest.call("GET", `/v1/quarantine?limit=200&state=${state}`, { token: sam })).body);
  expect(await idsOf("open")).not.toContain(id);
  expect(await idsOf("taken")).toContain(id);
});

test("a forged record is dismissed once by eight who ask at once, with the reason on record; it is no longer open and is never taken", async () => {
  const { id, denial } = await quarantine.denialSetAside();
  for (const body of [{}, { reason: "" }, { reason: "\0" }, { reason: " \u200b" }, { reason: "forged", more: 1 }]) {
    const nothing = await quarantine.rest.call("POST", `/v1/quarantine/${id}/dismiss`, { token: sam, body });
    expect([nothing.status, at(nothing, "code")]).toEqual([400, "invalid_request"]);
  }
  const answers = await Promise.all(Array.from({ length: 8 }, () => quarantine.dismiss(id)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers[0]?.body).toMatchObject({ dismissed_reason: "forged, and nobody's key", taken_at: null });
  expect(new Set(answers.map((answer) => textAt(answer, "dismissed_at"))).size).toBe(1);
  const told = (await quarantine.eventsOf(id)).slice(1);
  expect(told).toMatchObject([
    { type: "countersign.record.dismissed.v1", reason: "forged, and nobody's key", by: { subject: "sam" } },
  ]);
  quarantine.trustKey();
  try {
    const again = await quarantine.replay(id);
    expect([again.status, at(again, "code")]).toEqual([409, "record_dismissed"]);
  } finally {
    quarantine.trustNobody();
  }
  expect(await quarantine.rest.store.reads.denial(denial.id)).toBeUndefined();
  const idsOf = async (state: string) =>
    JSON.stringify((await quarantine.rest.call("GET", `/v1/quarantine?limit=200&state=${state}`, { token: sam })).body);
  expect(await idsOf("open")).not.toContain(id);
  expect(await idsOf("dismissed")).toContain(id);
});

test("dismissing under one Idempotency-Key is answered alike; what was taken cannot be dismissed; whoever is first of the two wins", async () => {
  const { id } = await quarantine.denialSetAside();
  const headers = { "idempotency-key": randomUUID() };
  const [first, repeated] = [await quarantine.dismiss(id, sam, headers), await quarantine.dismiss(id, sam, headers)];
  expect(repeated.body).toEqual(first.body);
  expect(repeated.headers["idempotency-replayed"]).toBe("true");

  const [{ id: raced, denial }, { id: done }] = [await quarantine.denialSetAside(), await quarantine.denialSetAside()];
  quarantine.trustKey();
  try {
    const [dismissed, taken] = await Promise.all([quarantine.dismiss(raced), quarantine.replay(raced)]);
    expect([dismissed.status, taken.status].toSorted((a, b) => a - b)).toEqual([200, 409]);
    const stored = await quarantine.rest.store.reads.denial(denial.id);
    expect(stored === undefined).toBe(dismissed.status === 200);
    expect(await quarantine.replay(done)).toMatchObject({ body: { outcome: "taken" } });
    const late = await quarantine.dismiss(done);
    expect([late.status, at(late, "code")]).toEqual([409, "already_taken"]);
  } finally {
    quarantine.trustNobody();
  }
});

test("what is dismissed has had no effect: a dismissal that comes while a replay is at work finds the record taken", async () => {
  const { id, denial } = await quarantine.denialSetAside();
  const { database, store } = quarantine.rest;
  quarantine.trustKey();
  try {
    const release = await hold(database, "lock table requests in access exclusive mode");
    const taking = quarantine.replay(id);
    await waitUntil("the replay to wait", 30_000, async () => (await inLocks(database)) === 1);
    let isAnswered = false;
    const dismissing = quarantine.dismiss(id).finally(() => {
      isAnswered = true;
    });
    const waits = async () => isAnswered || (await inLocks(database)) === 2;
    await waitUntil("the dismissal to wait behind it, or to be answered", 30_000, waits);
    await release();
    const [taken, dismissed] = await Promise.all([taking, dismissing]);
    expect([taken.status, dismissed.status, at(dismissed, "code")]).toEqual([200, 409, "already_taken"]);
  } finally {
    quarantine.trustNobody();
  }
  expect(await store.reads.denial(denial.id)).toMatchObject({ id: denial.id });
});

test("records that have ended are forgotten after 30 days; what is open stays however old it is", async () => {
  const [open, ended, young] = [
    await quarantine.denialSetAside(),
    await quarantine.denialSetAside(),
    await quarantine.denialSetAside(),
  ];
  await quarantine.dismiss(ended.id);
  await quarantine.dismiss(young.id);
  await quarantine.rest.database.query(
    `update quarantine set quarantined_at = now() - interval '90 days',
            dismissed_at = dismissed_at - case when id = $1 then interval '31 days' else interval '29 days' end`,
    [ended.id],
  );
  const before = instant((await quarantine.rest.store.reads.now()) - 30 * 24 * 3_600_000);
  await quarantine.rest.store.transaction("sweep quarantine", (tx) => tx.quarantine.forget(before, 100));
  const status = async (id: string) =>
    (await quarantine.rest.call("GET", `/v1/quarantine/${id}`, { token: sam })).status;
  expect([await status(open.id), await status(ended.id), await status(young.id)]).toEqual([200, 404, 200]);
});

test("pages hold each record once while more are set aside", async () => {
  const made: string[] = [];
  for (let n = 0; n < 5; n += 1) made.push((await quarantine.denialSetAside()).id);
  const seen: string[] = [];
  let cursor = "";
  for (let n = 0; n < 3; n += 1) {
    const answer = await quarantine.rest.call("GET", `/v1/quarantine?limit=2${cursor}`, { token: sam });
    seen.push(...itemsOf(answer).map((_, item) => textAt(answer, `items.${item}.id`)));
    await quarantine.denialSetAside();
    cursor = `&cursor=${textAt(answer, "next")}`;
  }
  expect(seen.slice(0, 5)).toEqual(made.toReversed());
});
