/** Submitting a denial over REST: what is refused, what is the same request again, and what the policy decides at once. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import { SCOPED } from "./approval-fixture.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { createRestApproval, offering, type RestApproval, SECOND, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const dana = tokenOf("dana", ["developers"]);
const outcome = (answer: Answer) => [answer.status, at(answer, "code")];
const submit = (denialId: string, body: object = {}, token = dana) =>
  rest.call("POST", "/v1/requests", {
    token,
    body: { denial_id: denialId, justification: "the customer was charged twice", ...body },
  });
const fresh = () => offering({ scope: `order/${randomUUID()}` });

test("an id that is unknown and one of somebody else are told alike, to try again in a second", async () => {
  const theirs = await submit((await rest.denyTo(tokenOf("eve"))).id);
  const unknown = await submit(randomUUID());
  for (const answer of [theirs, unknown]) {
    expect([...outcome(answer), answer.headers["retry-after"]]).toEqual([404, "unknown_denial", "1"]);
  }
});

test("a scope as long as a policy can offer is chosen by its name", async () => {
  const scope = `${randomUUID()}/`.padEnd(1_024, "s");
  const denial = await rest.denyTo(dana, offering({ scope }, { scope: `order/${randomUUID()}` }));
  const answer = await submit(denial.id, { elevation: { entitlement: SCOPED.entitlement, scope } });
  expect([answer.status, at(answer, "request.elevation.scope")]).toEqual([201, scope]);
});

test("a lapsed denial is 410", async () => {
  const now = await rest.store.reads.now();
  const lapsed = { mintedAt: instant(now - 900_001), expiresAt: instant(now - 1) };
  expect(outcome(await submit((await rest.denyTo(dana, { ...fresh(), ...lapsed })).id))).toEqual([
    410,
    "expired_denial",
  ]);
});

test.each([
  { what: "no reason", body: { justification: undefined }, code: "justification_required" },
  { what: "a short reason", body: { justification: "because" }, code: "justification_required" },
  {
    what: "an invisible reason",
    body: { justification: "\u200b\u2060\u00ad".repeat(20) },
    code: "justification_required",
  },
  { what: "more uses than offered", body: { requested: { max_uses: 6 } }, code: "exceeds_offer" },
  { what: "unlimited uses", body: { requested: { max_uses: "unlimited" } }, code: "exceeds_offer" },
  { what: "longer than offered", body: { requested: { duration: "11m" } }, code: "exceeds_offer" },
  { what: "a start next year", body: { requested: { not_before: "2099-01-01T00:00:00Z" } }, code: "exceeds_offer" },
  { what: "an end that is over", body: { requested: { not_after: "2020-01-01T00:00:00Z" } }, code: "exceeds_offer" },
  { what: "an end next year", body: { requested: { not_after: "2099-01-01T00:00:00Z" } }, code: "exceeds_offer" },
  { what: "something else", body: { elevation: { entitlement: "root" } }, code: "unknown_elevation" },
])("$what is 422 and leaves no request", async ({ body, code }) => {
  const denial = await rest.denyTo(dana, fresh());
  expect(outcome(await submit(denial.id, body))).toEqual([422, code]);
  const { rowCount } = await rest.database.query("select 1 from requests where denial_id = $1", [denial.id]);
  expect(rowCount).toBe(0);
});

test("somebody without a person obtains no human approval", async () => {
  const token = tokenOf("robot", [], { email: undefined });
  expect(outcome(await submit((await rest.denyTo(token)).id, {}, token))).toEqual([403, "no_person"]);
});

test("the same denial twice, and from the other account, is the same request", async () => {
  const denial = await rest.denyTo(dana, fresh());
  const first = await submit(denial.id);
  const second = await submit(denial.id, { justification: "another reason, another time" });
  const alias = await submit(denial.id, {}, tokenOf("d.other", [], { iss: SECOND, email: "dana@example.org" }));
  expect([first.status, second.status, alias.status]).toEqual([201, 200, 200]);
  expect(second.body).toEqual(first.body);
  expect(alias.body).toEqual(first.body);
  expect(first.headers["location"]).toBe(`/v1/requests/${textAt(first, "request.id")}`);
});

test("what a live grant covers already is 409 with the grant's id", async () => {
  const offers = fresh();
  const asked = await submit((await rest.denyTo(dana, offers)).id);
  const request = { id: textAt(asked, "request.id"), digest: textAt(asked, "request.digest") };
  const granted = await rest.vote(tokenOf("max", ["managers"]), request);
  const again = await submit((await rest.denyTo(dana, offers)).id);
  expect([...outcome(again), at(again, "grant_id")]).toEqual([409, "already_granted", at(granted, "grant.id")]);
});

test("what the policy denies at once is a request that has ended denied", async () => {
  const denial = await rest.denyTo(dana, fresh());
  const answer = await submit(denial.id, { justification: SCOPED.title });
  expect([answer.status, at(answer, "request.status"), at(answer, "grant")]).toEqual([201, "denied", null]);
  expect(textAt(answer, "request.status_reason")).toContain("justification");
});

test("an end that is asked for is when the request lapses, and the grant ends, however late it is approved", async () => {
  const end = rfc3339(instant((await rest.store.reads.now()) + 120_000));
  const denial = await rest.denyTo(dana, fresh());
  const asked = await submit(denial.id, { requested: { not_after: end } });
  expect([asked.status, at(asked, "request.requested.not_after"), at(asked, "request.expires_at")]).toEqual([
    201,
    end,
    end,
  ]);
  const request = { id: textAt(asked, "request.id"), digest: textAt(asked, "request.digest") };
  const granted = await rest.vote(tokenOf("max", ["managers"]), request);
  expect(at(granted, "grant.expires_at")).toBe(end);
});

test("less than is offered is asked for as said", async () => {
  const denial = await rest.denyTo(dana, fresh());
  const answer = await submit(denial.id, { requested: { max_uses: 2, duration: "90s" } });
  expect(at(answer, "request.requested")).toMatchObject({ max_uses: 2, duration: "90s", binding: "scope" });
});
