/** `Idempotency-Key`: one effect for one key, whatever is repeated, raced, broken off or restarted; another call under it is refused. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { digest } from "../../../core/domain/id.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { createRest } from "../../../services/approval/rest/server.ts";
import { holdKey } from "../../../services/approval/store/idempotency-keys.ts";
import { ids } from "./approval-fixture.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { inLocks } from "./redeeming.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { createRestApproval, offering, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const dana = tokenOf("dana", ["engineers"]);
const max = tokenOf("max", ["managers"]);
const WHY = "the customer was charged twice";
const said = (answer: Answer) => [answer.status, at(answer, "code")];
const keyed = (token: string, key: string, body: unknown, more = {}) => ({
  token,
  body,
  headers: { "idempotency-key": key, ...more },
});

async function submission(token = dana) {
  const { id } = await rest.denyTo(token, offering({ scope: `order/${randomUUID()}` }));
  return { denial_id: id, justification: WHY };
}
const submit = (key: string, body: unknown, token = dana) => rest.call("POST", "/v1/requests", keyed(token, key, body));
const reviews = (id: string) => `/v1/requests/${id}/reviews`;

async function ageKey(key: string, change: string): Promise<void> {
  await rest.database.query(`update idempotency_keys set ${change} where key = $1`, [key]);
}

describe("refused", () => {
  test("the same key with another body, another address or another If-Match: 409, and nothing is done", async () => {
    const [key, body] = [randomUUID(), await submission()];
    expect((await submit(key, body)).status).toBe(201);
    expect(said(await submit(key, { ...body, justification: `${WHY}, really` }))).toEqual([
      409,
      "idempotency_key_reused",
    ]);
    const request = await rest.askAs(dana);
    const cancel = (more: object) =>
      rest.call("POST", `/v1/requests/${request.id}/cancel`, keyed(dana, key, body, more));
    expect((await cancel({})).status).toBe(400);
    const other = await rest.call("POST", `/v1/requests/${request.id}/cancel`, keyed(dana, key, {}));
    expect(said(other)).toEqual([409, "idempotency_key_reused"]);
    expect(at(other, "errors.0.pointer")).toBe("/headers/idempotency-key");
    const { body: still } = await rest.call("GET", `/v1/requests/${request.id}`, { token: dana });
    expect(at({ body: still }, "request.status")).toBe("pending");
    const tagged = keyed(dana, randomUUID(), {}, { "if-match": "*" });
    expect((await rest.call("POST", `/v1/requests/${request.id}/cancel`, tagged)).status).toBe(200);
    const untagged = { ...tagged, headers: { "idempotency-key": tagged.headers["idempotency-key"] } };
    expect(said(await rest.call("POST", `/v1/requests/${request.id}/cancel`, untagged))).toEqual([
      409,
      "idempotency_key_reused",
    ]);
  });

  test("a key while its call is under way: 409 with Retry-After; then its answer", async () => {
    const [key, request] = [randomUUID(), await rest.askAs(dana)];
    const vote = { vote: "approve", digest: request.digest };
    const send = () => rest.call("POST", reviews(request.id), keyed(max, key, vote));
    let first: Promise<Answer> | undefined;
    await rest.database.transaction("test", async (tx) => {
      await tx.query("select 1 from requests where id = $1 for update", [request.id]);
      first = send();
      await waitUntil("the key to be held", 30_000, async () => {
        const { rows } = await rest.database.query("select 1 from idempotency_keys where key = $1", [key]);
        return rows.length === 1;
      });
      const second = await send();
      expect(said(second)).toEqual([409, "idempotency_key_in_use"]);
      expect(second.headers["retry-after"]).toBe("1");
    });
    const answer = await first;
    expect(answer?.status).toBe(200);
    expect((await send()).body).toEqual(answer?.body);
  });

  test.each(["", "two words", "x".repeat(256), "a\tb"])("the key %j: 400 that names the header", async (key) => {
    const answer = await submit(key, await submission());
    expect(said(answer)).toEqual([400, "invalid_request"]);
    expect(at(answer, "errors.0.pointer")).toBe("/headers/idempotency-key");
  });
});

describe("replayed", () => {
  test("a submit, a vote, a cancellation and a revocation: byte for byte, marked, and done once", async () => {
    const [asked, other] = [await rest.askAs(dana), await rest.askAs(dana)];
    const granted = await rest.vote(max, await rest.askAs(dana));
    const calls = [
      { url: "/v1/requests", token: dana, body: await submission() },
      { url: reviews(asked.id), token: max, body: { vote: "approve", digest: asked.digest } },
      { url: `/v1/requests/${other.id}/cancel`, token: dana, body: { reason: "not needed" } },
      { url: `/v1/grants/${textAt(granted, "grant.id")}/revoke`, token: max, body: {} },
    ];
    for (const { url, token, body } of calls) {
      const key = randomUUID();
      const first = await rest.call("POST", url, keyed(token, key, body));
      expect([url, first.status]).toEqual([url, url === "/v1/requests" ? 201 : 200]);
      const events = await rest.outboxTypes();
      const again = await rest.call("POST", url, keyed(token, key, body));
      expect([again.status, again.body]).toEqual([first.status, first.body]);
      expect(again.headers["etag"]).toBe(first.headers["etag"]);
      expect(again.headers["location"]).toBe(first.headers["location"]);
      expect([first.headers["idempotency-replayed"], again.headers["idempotency-replayed"]]).toEqual([
        undefined,
        "true",
      ]);
      expect(await rest.outboxTypes()).toEqual(events);
    }
  });

  test("a refused vote, which is on record once", async () => {
    const [key, request] = [randomUUID(), await rest.askAs(max)];
    const send = () =>
      rest.call("POST", reviews(request.id), keyed(max, key, { vote: "approve", digest: request.digest }));
    const first = await send();
    expect(said(first)).toEqual([403, "is_requester"]);
    const events = await rest.outboxTypes();
    expect((await send()).body).toEqual(first.body);
    expect(await rest.outboxTypes()).toEqual(events);
  });

  test("by another process, and after a restart", async () => {
    const [key, body] = [randomUUID(), await submission()];
    const first = await submit(key, body);
    const other = await createRest({ ...rest.deps, metrics: rest.freshMetrics() }, rest.options);
    try {
      const again = await other.inject({
        method: "POST",
        url: "/v1/requests",
        headers: { authorization: `Bearer ${dana}`, "idempotency-key": key },
        payload: body,
      });
      expect([again.statusCode, again.json()]).toEqual([201, first.body]);
    } finally {
      await other.close();
    }
  });

  test("to its caller alone: another account's same key is another key", async () => {
    const [key, body] = [randomUUID(), await submission()];
    const first = await submit(key, body);
    const eve = await submit(key, body, tokenOf("eve"));
    expect([first.status, ...said(eve)]).toEqual([201, 404, "unknown_denial"]);
    const agent = tokenOf("dana", ["engineers"], { act: { sub: "agent" } });
    expect((await submit(key, body, agent)).headers["idempotency-replayed"]).toBeUndefined();
  });
});

describe("not kept", () => {
  test("a refusal that did nothing: the same call with the same key is looked at anew", async () => {
    const [key, denialId] = [randomUUID(), ids.fresh("denial")];
    const body = { denial_id: denialId, justification: WHY };
    expect(said(await submit(key, body))).toEqual([404, "unknown_denial"]);
    await rest.denyTo(dana, { id: denialId, ...offering({ scope: `order/${randomUUID()}` }) });
    expect((await submit(key, body)).status).toBe(201);
  });

  test("that a request was open already is answered alike, also when it has ended since: nothing is asked anew", async () => {
    const [key, body] = [randomUUID(), await submission()];
    const id = textAt(await submit(randomUUID(), body), "request.id");
    const again = await submit(key, body);
    expect([again.status, textAt(again, "request.id")]).toEqual([200, id]);
    await rest.call("POST", `/v1/requests/${id}/cancel`, { token: dana, body: {} });
    expect(await submit(key, body)).toMatchObject({ status: 200, body: again.body });
    expect((await submit(randomUUID(), body)).status).toBe(201);
  });

  test("a key whose process died with it: free for the same call after its time, and not for another one", async () => {
    const [key, body] = [randomUUID(), await submission()];
    // What is left of a process that took the key and died: a first call's row, without its answer.
    await submit(key, body);
    await ageKey(key, "answer = null, held_until = clock_timestamp() + interval '30 seconds'");
    expect(said(await submit(key, body))).toEqual([409, "idempotency_key_in_use"]);
    await ageKey(key, "held_until = clock_timestamp()");
    expect(said(await submit(key, { ...body, justification: `${WHY}!` }))).toEqual([409, "idempotency_key_reused"]);
    expect((await submit(key, body)).status).toBe(200);
  });

  test("an effect whose key somebody else holds by now: it is undone", async () => {
    const held = { caller: digest("a".repeat(64)), key: randomUUID(), holder: randomUUID() };
    const answer = { status: 200, headers: {}, body: "{}" };
    const { store } = rest;
    expect(await store.idempotencyKeys.hold(held, digest("b".repeat(64)))).toEqual({ kind: "held" });
    await ageKey(held.key, "held_until = clock_timestamp()");
    const later = { ...held, holder: randomUUID() };
    expect(await store.idempotencyKeys.hold(later, digest("b".repeat(64)))).toEqual({ kind: "held" });
    const denial = await rest.denyTo(dana);
    const late = store.transaction(
      "sweep denials",
      (tx) => tx.denials.deleteLapsed(denial.expiresAt, 1_000),
      (tx) => tx.answers.keep(held, answer),
    );
    await expect(late).rejects.toMatchObject({ code: "conflict" });
    expect(await store.reads.denial(denial.id)).toBeDefined();
  });

  test("for longer than 24 hours: the key is free for anything, also before the sweep took it", async () => {
    const [key, one, two] = [randomUUID(), await submission(), await submission()];
    await submit(key, one);
    await ageKey(key, "created_at = created_at - interval '24 hours'");
    expect((await submit(key, two)).status).toBe(201);
    await ageKey(key, "created_at = created_at - interval '24 hours'");
    expect(await createSweep({ store: rest.store })()).toMatchObject({ keys: 1 });
  });
});

test("a key that is over and taken by two at once: the one that comes second is told that it is in use, and nothing of the day before", async () => {
  const [before, ours] = [digest("b".repeat(64)), digest("c".repeat(64))];
  const first = { caller: digest("d".repeat(64)), key: randomUUID(), holder: randomUUID() };
  const { database, store } = rest;
  await store.idempotencyKeys.hold(first, before);
  await database.query("update idempotency_keys set answer = $2 where key = $1", [
    first.key,
    JSON.stringify({ status: 200, headers: {}, body: "yesterday" }),
  ]);
  await ageKey(first.key, "created_at = created_at - interval '25 hours'");
  const second = () => store.idempotencyKeys.hold({ ...first, holder: randomUUID() }, before);
  const other = () => store.idempotencyKeys.hold({ ...first, holder: randomUUID() }, ours);
  let late: Promise<readonly { readonly kind: string }[]> | undefined;
  await database.transaction("test", async (tx) => {
    expect(await holdKey(tx, { ...first, holder: randomUUID() }, ours)).toEqual({ kind: "held" });
    late = Promise.all([second(), other()]);
    await waitUntil("both to wait for the key", 30_000, async () => (await inLocks(database)) === 2);
  });
  expect(await late).toEqual([{ kind: "in_use" }, { kind: "in_use" }]);
});

test("one key sent 24 times at once: one request, and everybody who is answered is told of it", async () => {
  const [key, body] = [randomUUID(), await submission()];
  const before = (await rest.outboxTypes()).length;
  const answers = await Promise.all(Array.from({ length: 24 }, () => submit(key, body)));
  const good = answers.filter(({ status }) => status === 201);
  const rest409 = answers.filter(({ status }) => status !== 201);
  expect(good.length).toBeGreaterThan(0);
  expect(new Set(good.map((answer) => textAt(answer, "request.id"))).size).toBe(1);
  expect(rest409.map(said)).toEqual(rest409.map(() => [409, "idempotency_key_in_use"]));
  expect((await rest.outboxTypes()).length).toBe(before + 1);
});
