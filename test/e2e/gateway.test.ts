/**
 * The gateway in the whole real set, beside Envoy: what one enforcer was refused and somebody approved, the other may do, and
 * only that. So both describe a call to the last byte alike: one edge, one digest.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { request } from "undici";
import { type RunningGateway, startGatewayProcess } from "../harness/gateway.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const possible = await canStartSystem();
let system: System;
let gateway: RunningGateway;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem();
  const authorization = system.decisions[0]?.port ?? 0;
  gateway = await startGatewayProcess({ authorization, upstream: system.orders.port });
}, 180_000);
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
}, 60_000);

type Sent = { readonly body?: object; readonly headers?: Readonly<Record<string, string>> };
type Reply = {
  readonly status: number;
  readonly challenge: string;
  readonly headers: object;
  readonly body: unknown;
};

/** Calls through either, under one name of the service, which is part of what is approved (and which fetch would not send). */
async function through(user: string | undefined) {
  const token = user === undefined ? undefined : await system.token(user);
  const by = (port: number) => {
    return async (method: string, path: string, { body, headers = {} }: Sent = {}): Promise<Reply> => {
      const response = await request(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: {
          host: "orders.example",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const challenge = String(response.headers["www-authenticate"]);
      const { statusCode, headers: received } = response;
      return { status: statusCode, challenge, headers: received, body: await response.body.json() };
    };
  };
  return { gateway: by(gateway.port), envoy: by(system.envoy.port) };
}

/** Submits what was refused and has max approve it, as it is or narrowed. Answers until when it is granted. */
async function approved(refused: Reply, narrowing?: object): Promise<number> {
  const dana = await system.as("dana");
  const max = await system.as("max");
  const body = { denial_id: textAt(refused.body, "denial_id"), justification: "the customer asked for it" };
  const submitted = await waitUntil("the denial to arrive", 30_000, async () => {
    const answer = await dana.approvals("POST", "/v1/requests", { body });
    return answer.status !== 404 && answer;
  });
  const digest = textAt(submitted.body, "request", "digest");
  const review = { vote: "approve", digest, ...(narrowing === undefined ? {} : { narrowing }) };
  const reviews = `/v1/requests/${textAt(submitted.body, "request", "id")}/reviews`;
  const reviewed = await max.approvals("POST", reviews, { body: review });
  expect(reviewed).toMatchObject({ status: 200 });
  return Date.parse(textAt(reviewed.body, "grant", "expires_at"));
}

/** The first answer that is no longer about the grant not being known yet. */
function once(call: () => Promise<Reply>): Promise<Reply> {
  return waitUntil("the grant to arrive", 30_000, async () => {
    const answer = await call();
    return answer.status !== 403 && answer.status !== 503 && answer;
  });
}

/** The first answer of a decision: there was no time before, and nothing has happened. */
function decided(call: () => Promise<Reply>): Promise<Reply> {
  return waitUntil("a decision", 30_000, async () => {
    const answer = await call();
    return answer.status !== 503 && answer;
  });
}

(possible ? describe : describe.skip)("the gateway, with real decisions", () => {
  test("nobody in particular reads nothing, a bad credential is 401, and neither reaches the upstream", async () => {
    const nobody = await through(undefined);
    expect([401, 403]).toContain((await nobody.gateway("GET", "/orders/42")).status);
    const bad = await nobody.gateway("GET", "/orders/42", { headers: { authorization: "Bearer x.y.z" } });
    expect(bad.status).toBe(401);
    expect(bad.challenge).toContain("Bearer");
    expect(await system.orders.journal()).toEqual([]);
  });

  test("dana reads an order, and the upstream is told who she is, whatever she says herself", async () => {
    const dana = await through("dana");
    const spoofed = { "countersign-subject": "root", "countersign.subject": "root", "countersign-grant-id": "mine" };
    const answer = await dana.gateway("GET", "/orders/42", { headers: spoofed });
    expect(answer).toMatchObject({ status: 200, body: { id: "42", item: "lamp" } });
    const decisionId = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(await system.orders.journal()).toMatchObject([
      { method: "GET", path: "/orders/42", status: 200, subject: "dana", decisionId, grantId: null },
    ]);
  });

  test.each(["gateway", "envoy"] as const)(
    "arap-5-1, arap-12-25, arap-16-3: a refund of 40 that the %s refused is approved, and the other enforcer does it once, when asked anew, and not with 4000",
    async (refuser) => {
      const dana = await through("dana");
      const doer = refuser === "gateway" ? "envoy" : "gateway";
      const refund = (enforcer: "gateway" | "envoy", amount: number) =>
        dana[enforcer]("POST", "/refunds", { body: { order: "42", amount } });
      const refunds = async () => (await system.orders.book()).refunds.length;
      const before = await refunds();

      const refused = await decided(() => refund(refuser, 40));
      expect(refused).toMatchObject({ status: 403, body: { outcome: "needs_approval" } });
      expect(await refunds()).toBe(before);
      await approved(refused);
      expect(await refunds()).toBe(before);

      const changed = await decided(() => refund(doer, 4_000));
      expect(changed).toMatchObject({ status: 403, body: { outcome: "needs_approval" } });
      expect(await once(() => refund(doer, 40))).toMatchObject({ status: 201 });
      expect(await refund(refuser, 40)).toMatchObject({ status: 403, body: { grant_reason: "spent" } });
      expect(await refunds()).toBe(before + 1);
    },
    60_000,
  );

  test("an order is deleted through the gateway by an approval for that order, and no other is", async () => {
    const dana = await through("dana");
    const refused = await decided(() => dana.gateway("DELETE", "/orders/42"));
    expect(refused).toMatchObject({ status: 403, body: { outcome: "needs_approval" } });
    await approved(refused);
    expect(await once(() => dana.gateway("DELETE", "/orders/42"))).toMatchObject({
      status: 200,
      body: { deleted: "42" },
    });
    expect(await dana.gateway("DELETE", "/orders/43")).toMatchObject({ status: 403 });
    expect((await system.orders.book()).orders).toContainEqual(expect.objectContaining({ id: "43" }));
  }, 60_000);

  test("arap-12-4, arap-12-21: what was approved for some seconds passes neither enforcer once they are over, however many uses are left", async () => {
    const dana = await through("dana");
    const call = (enforcer: "gateway" | "envoy") => dana[enforcer]("DELETE", "/orders/77");
    const until = await approved(await decided(() => call("envoy")), { max_uses: 5, duration: "8s" });
    // There is no such order, which is the upstream's to say.
    expect((await once(() => call("gateway"))).status).toBe(404);
    expect((await once(() => call("envoy"))).status).toBe(404);
    await waitUntil("its end", 30_000, async () => Date.now() > until);
    for (const enforcer of ["gateway", "envoy"] as const) {
      expect(await call(enforcer)).toMatchObject({ status: 403, body: { grant_reason: "expired" } });
    }
  }, 60_000);

  test("arap-21-3-4-1, arap-21-3-4-2: a client sees of a denial what can be asked for, and of an allow nothing of what it rests on", async () => {
    const dana = await through("dana");
    for (const enforcer of ["gateway", "envoy"] as const) {
      const call = () => dana[enforcer]("DELETE", `/orders/${enforcer}`);
      const refused = await decided(call);
      expect(JSON.stringify(refused.body)).not.toMatch(/binding_token|status_endpoint|"links"|review|cancel|"state"/);
      await approved(refused);
      const allowed = await once(call);
      const last = (await system.orders.journal()).at(-1);
      expect(last).toMatchObject({ path: `/orders/${enforcer}`, grantId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      const seen = JSON.stringify([allowed.headers, allowed.body]);
      expect(seen).not.toContain(last?.grantId);
      expect(seen).not.toContain("countersign");
    }
  }, 60_000);

  test("arap-21-4-4-1: without the decision service nothing passes", async () => {
    const dana = await through("dana");
    const entries = (await system.orders.journal()).length;
    await system.decisions[0]?.kill();
    for (const path of ["/orders/43", "/reports", "/"]) expect((await dana.gateway("GET", path)).status).toBe(503);
    expect(await system.orders.journal()).toHaveLength(entries);
    await system.decisions[0]?.start();
    const read = () => dana.gateway("GET", "/orders/43");
    await waitUntil("decisions again", 30_000, async () => (await read()).status === 200);
  }, 60_000);
});
