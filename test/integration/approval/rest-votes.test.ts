/** Votes, cancellations and revocations over REST: what refuses them, what is on record of a refusal, and races. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Answer, at, itemsOf, textAt } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, SECOND, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const dana = tokenOf("dana", ["developers"]);
const max = tokenOf("max", ["managers"]);
const sam = tokenOf("sam", ["security"]);
const outcome = (answer: Answer) => [answer.status, at(answer, "code")];

async function refusals(requestId: string): Promise<readonly string[]> {
  const { rows } = await rest.database.query<{ reason: string }>(
    `select event -> 'data' ->> 'reason' as reason from outbox
      where event ->> 'type' = 'countersign.review.refused.v1' and event -> 'data' ->> 'request_id' = $1 order by id`,
    [requestId],
  );
  return rows.map(({ reason }) => reason);
}

test.each([
  { who: "the same account, made a manager", token: tokenOf("dana", ["managers"]) },
  {
    who: "the same person's account at the other issuer",
    token: tokenOf("d.other", ["managers"], { iss: SECOND, email: "DANA@example.org" }),
  },
])("$who cannot review, and the attempt is on record", async ({ token }) => {
  const request = await rest.askAs(dana);
  expect(outcome(await rest.vote(token, request))).toEqual([403, "is_requester"]);
  expect(await refusals(request.id)).toEqual(["is_requester"]);
  const seen = await rest.call("GET", `/v1/requests/${request.id}`, { token: dana });
  expect([at(seen, "request.status"), at(seen, "request.reviews"), at(seen, "grant")]).toEqual(["pending", [], null]);
});

test("the person behind an agent sees what it asked and cannot review it, nor does it await them", async () => {
  const act = { sub: "max-agent", email: "max@example.org" };
  const request = await rest.askAs(tokenOf("erin", ["developers"], { act }));
  expect((await rest.call("GET", `/v1/requests/${request.id}`, { token: max })).status).toBe(200);
  expect(outcome(await rest.vote(max, request))).toEqual([403, "is_requester"]);
  expect(await refusals(request.id)).toEqual(["is_requester"]);
  const awaiting = await rest.call("GET", "/v1/requests?awaiting=me", { token: max });
  expect(JSON.stringify(awaiting.body)).not.toContain(request.id);
});

test("a huge refund asks security when a manager has agreed, and is granted once for ten minutes, whatever was asked", async () => {
  const request = await rest.askAs(dana, { entitlement: "refund", scope: "order/1/amount/20000", maxUses: 5 });
  const url = `/v1/requests/${request.id}`;
  const waitingFor = async () => at(await rest.call("GET", `${url}/approvers`, { token: dana }), "waiting_for");
  const awaits = async (token: string) => {
    const answer = await rest.call("GET", "/v1/requests?awaiting=me", { token });
    return itemsOf(answer).some((_, n) => textAt(answer, `items.${n}.id`) === request.id);
  };
  expect(at(await rest.call("GET", url, { token: sam }), "request.limits")).toEqual({
    max_uses: 1,
    max_duration: "10m",
  });
  expect([await awaits(max), await awaits(sam)]).toEqual([true, false]);
  expect(outcome(await rest.vote(sam, request))).toEqual([409, "stage_not_open"]);
  expect(await refusals(request.id)).toEqual(["stage_not_open"]);

  expect((await rest.vote(max, request)).status).toBe(200);
  expect(await waitingFor()).toEqual([{ group: { realm: "corp", name: "security" } }]);
  expect([await awaits(max), await awaits(sam)]).toEqual([false, true]);
  const granted = await rest.vote(sam, request);
  expect([at(granted, "request.status"), at(granted, "grant.max_uses")]).toEqual(["approved", 1]);
  const ms = Date.parse(textAt(granted, "grant.expires_at")) - Date.parse(textAt(granted, "grant.not_before"));
  expect(ms).toBe(600_000);
  expect(await waitingFor()).toEqual([]);
});

test("security that is in no set is not eligible; a vote twice, from either account, is refused", async () => {
  const request = await rest.askAs(dana, { entitlement: "refund", scope: "order/1/amount/500" });
  expect(outcome(await rest.vote(tokenOf("kim", ["developers"]), request))).toEqual([404, "unknown_request"]);
  expect((await rest.vote(max, request)).status).toBe(200);
  const alias = tokenOf("m.other", ["security"], { iss: SECOND, email: "max@example.org" });
  expect(outcome(await rest.vote(max, request))).toEqual([409, "already_reviewed"]);
  expect(outcome(await rest.vote(alias, request))).toEqual([409, "already_reviewed"]);
  expect(await refusals(request.id)).toEqual(["already_reviewed", "already_reviewed"]);
  const approvers = await rest.call("GET", `/v1/requests/${request.id}/approvers`, { token: dana });
  expect(at(approvers, "approved_by")).toEqual([{ realm: "corp", id: "max@example.org" }]);
  expect(at(approvers, "sets")).toEqual([
    { group: { realm: "corp", name: "managers" } },
    { group: { realm: "corp", name: "security" } },
  ]);
  const small = await rest.askAs(dana);
  expect(outcome(await rest.vote(sam, small))).toEqual([403, "not_eligible"]);
  const done = await rest.vote(sam, request);
  expect([done.status, at(done, "request.status"), at(done, "grant.state")]).toEqual([200, "approved", "active"]);
});

test("the policy's own refusal is told and on record", async () => {
  const request = await rest.askAs(dana);
  const suspended = tokenOf("mia", ["managers"], { suspended: true });
  expect(outcome(await rest.vote(suspended, request))).toEqual([403, "policy_refused"]);
  expect(await refusals(request.id)).toEqual(["policy_refused"]);
});

test.each([
  { what: "a stale digest", body: { digest: "0".repeat(64) }, expected: [409, "digest_mismatch"] },
  { what: "more uses", body: { narrowing: { max_uses: 6 } }, expected: [422, "widens"] },
  { what: "unlimited uses", body: { narrowing: { max_uses: "unlimited" } }, expected: [422, "widens"] },
  { what: "a longer time", body: { narrowing: { duration: "11m" } }, expected: [422, "widens"] },
  { what: "a start in a year", body: { narrowing: { not_before: "2099-01-01T00:00:00Z" } }, expected: [422, "widens"] },
  { what: "exact where it cannot be", body: { narrowing: { binding: "exact" } }, expected: [422, "not_bindable"] },
  { what: "a denial without reason", body: { vote: "deny" }, expected: [422, "reason_required"] },
  {
    what: "a denial whose reason is invisible",
    body: { vote: "deny", comment: "\u200b \u2060" },
    expected: [422, "reason_required"],
  },
])("$what is refused and the request stays pending", async ({ body, expected }) => {
  const request = await rest.askAs(dana);
  expect(outcome(await rest.vote(max, request, body))).toEqual(expected);
  const seen = await rest.call("GET", `/v1/requests/${request.id}`, { token: max });
  expect([at(seen, "request.status"), at(seen, "request.reviews")]).toEqual(["pending", []]);
});

test("approving less gives that grant, and a vote after the end is refused", async () => {
  const request = await rest.askAs(dana);
  const done = await rest.vote(max, request, { narrowing: { max_uses: 1, duration: "1m" }, comment: "once" });
  expect([at(done, "grant.max_uses"), at(done, "grant.uses"), at(done, "request.reviews.0.comment")]).toEqual([
    1,
    0,
    "once",
  ]);
  expect(Date.parse(textAt(done, "grant.expires_at")) - Date.parse(textAt(done, "grant.not_before"))).toBe(60_000);
  const late = await rest.vote(tokenOf("mia", ["managers"]), request);
  expect(outcome(late)).toEqual([409, "not_pending"]);
});

test("a reviewer cannot cancel; the requester can, once, from either account", async () => {
  const request = await rest.askAs(dana);
  const cancel = (token: string) => rest.call("POST", `/v1/requests/${request.id}/cancel`, { token, body: {} });
  expect(outcome(await cancel(max))).toEqual([403, "not_requester"]);
  expect(outcome(await cancel(sam))).toEqual([403, "not_requester"]);
  const alias = tokenOf("d.other", [], { iss: SECOND, email: "dana@example.org" });
  expect(at(await cancel(alias), "request.status")).toBe("cancelled");
  expect(outcome(await cancel(dana))).toEqual([409, "not_pending"]);
});

test.each([
  { who: "the requester", token: dana },
  { who: "a manager", token: max },
  { who: "security", token: sam },
])("$who can revoke, once; a stranger cannot", async ({ token }) => {
  const granted = await rest.vote(max, await rest.askAs(dana));
  const url = `/v1/grants/${textAt(granted, "grant.id")}`;
  const revoke = (by: string) => rest.call("POST", `${url}/revoke`, { token: by, body: { reason: "enough" } });
  expect(outcome(await revoke(tokenOf("eve", ["developers"])))).toEqual([404, "unknown_grant"]);
  expect(at(await rest.call("GET", url, { token }), "state")).toBe("active");
  const done = await revoke(token);
  expect([done.status, at(done, "state")]).toEqual([200, "revoked"]);
  expect(outcome(await revoke(token))).toEqual([409, "already_final"]);
});

test("20 who vote at once where one of each of two groups is needed: one final state, one grant", async () => {
  for (let round = 0; round < 3; round += 1) {
    const request = await rest.askAs(dana, { entitlement: "refund", scope: `order/race-${round}/amount/500` });
    const voters = Array.from({ length: 20 }, (_, n) => tokenOf(`voter-${n}`, [n % 2 === 0 ? "managers" : "security"]));
    const answers = await Promise.all(voters.map((token) => rest.vote(token, request)));
    expect(answers.filter((answer) => at(answer, "grant.id") !== undefined)).toHaveLength(1);
    for (const answer of answers) expect([200, 409]).toContain(answer.status);
    const { rows } = await rest.database.query<{ id: string }>("select id from grants where request_id = $1", [
      request.id,
    ]);
    expect(rows).toHaveLength(1);
    const seen = await rest.call("GET", `/v1/requests/${request.id}`, { token: dana });
    expect([at(seen, "request.status"), at(seen, "grant.id")]).toEqual(["approved", rows[0]?.id]);
    expect(itemsOf({ ...seen, body: { items: at(seen, "request.reviews") } })).toHaveLength(
      answers.filter(({ status }) => status === 200).length,
    );
  }
});
