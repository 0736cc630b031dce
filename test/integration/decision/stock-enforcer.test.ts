/**
 * An enforcer that knows AuthZEN and its Access Request profile and nothing of ours: its evaluations are enforced by configuration alone. Ids in names
 * are rows of the profile's table of requirements (test/conformance/access-request-profile).
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { type Authzen, ENDPOINT, startAuthzen } from "./authzen-fixture.ts";
import { allowing, ASKER, denying, elevating, ENFORCER, ownToken, question, STOCK } from "./authzen-samples.ts";
import { at, claimsOf, textAt } from "./reply-members.ts";

let authzen: Authzen;
beforeAll(async () => {
  authzen = await startAuthzen();
});
beforeEach(() => authzen.elevateAll());
afterAll(() => authzen[Symbol.asyncDispose]());

const ASKED = { options: { countersign_mode: "ask" } };

test("arap-7-1: nobody else is offered a request without saying that they enforce, and nothing is published for them", async () => {
  for (const as of [ENFORCER, ASKER, ownToken()]) {
    const { body } = await authzen.post(question(), { as });
    expect(body).toMatchObject({ decision: false, context: { reason: "approval_required" } });
    expect(body).not.toHaveProperty("context.access_request");
  }
  expect(authzen.published()).toEqual([]);
});

test("arap-7-1: what it only asks, one by one or in a batch, offers nothing, and a batch that is to be enforced is refused", async () => {
  const one = await authzen.post(question(ASKED), { as: STOCK });
  expect(one.body).not.toHaveProperty("context.access_request");
  const batch = (more: object) =>
    authzen.post(question({ evaluations: [{}], ...more }), { as: STOCK, at: "/access/v1/evaluations" });
  const { status, body } = await batch({});
  expect([status, JSON.stringify(body).includes("access_request")]).toEqual([200, false]);
  expect(authzen.logged.slice(-2).map(({ mode }) => mode)).toEqual(["ask", "ask"]);
  expect(await batch({ options: { countersign_mode: "enforce" } })).toMatchObject({ status: 400 });
  expect(authzen.published()).toEqual([]);
});

test("arap-7-1, arap-7-9, arap-17-2: it is offered a request for what can be requested and for nothing else, bound by a token", async () => {
  for (const verdict of [denying, allowing]) {
    authzen.world.verdict = () => verdict;
    expect((await authzen.post(question(), { as: STOCK })).body).not.toHaveProperty("context.access_request");
  }
  authzen.world.verdict = () => elevating();
  const before = authzen.published().length;
  const reply = await authzen.post(question(), { as: STOCK });
  expect(reply.body).toMatchObject({
    decision: false,
    context: { reason: "approval_required", access_request: { endpoint: ENDPOINT, expires_at: expect.any(String) } },
  });
  expect(claimsOf(reply)["evaluation_id"]).toBe(textAt(reply, "context.evaluation_id"));
  expect(authzen.published().slice(before)).toMatchObject([{ id: textAt(reply, "context.evaluation_id") }]);
});

test("arap-12-8, arap-12-16: its evaluation with an approval is allowed by a grant of one use, which counts; without a grant it is offered a request anew", async () => {
  const grant = authzen.give({ maxUses: 1 });
  const context = { approval: { id: grant.id } };
  expect((await authzen.post(question({ context }), { as: ASKER })).body).toMatchObject({ decision: false });
  const used = await authzen.post(question({ context }), { as: STOCK });
  expect(used.body).toMatchObject({ decision: true, context: { approval: { id: grant.id } } });
  expect(authzen.logged.at(-1)).toMatchObject({ mode: "enforce" });
  authzen.world.redemption = { kind: "refused", reason: "spent" };
  const spent = await authzen.post(question({ context }), { as: STOCK });
  expect(spent.body).toMatchObject({ decision: false, context: { next_action: "request" } });
  expect(at(spent, "context.access_request.binding_token")).toEqual(expect.any(String));
});
