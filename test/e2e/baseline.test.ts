/** The whole set, real: what is allowed passes, what is not leaves no trace, and what needs approval is on the topic. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readDenial } from "../../core/messages/denial-record.ts";
import { openEnvelope } from "../../core/messages/envelope.ts";
import { createVerifier } from "../../core/messages/signing.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { type OtlpCollector, startOtlpCollector } from "../harness/otlp-collector.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { textAt } from "../../platform/programs/client.ts";
import { answerOf } from "../../sample/story/ask.ts";
import { recordsOf } from "../harness/system/topics.ts";
import { testTracedStory } from "./traced-story.ts";

const possible = await canStartSystem();
let collector: OtlpCollector;
let system: System;

beforeAll(async () => {
  if (!possible) return;
  collector = await startOtlpCollector();
  system = await startSystem({ decisions: 2, collector });
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
}, 60_000);

(possible ? describe : describe.skip)("the baseline, through a real Envoy", () => {
  test("nobody in particular reads no order, and a bad credential is 401 with a challenge", async () => {
    const { proxy } = await system.as(undefined);
    expect([401, 403]).toContain((await proxy("GET", "/orders/42")).status);
    const bad = await proxy("GET", "/orders/42", { headers: { authorization: "Bearer x.y.z" } });
    expect(bad.status).toBe(401);
    expect(bad.headers.get("www-authenticate")).toContain("Bearer");
    expect(await system.orders.journal()).toEqual([]);
  });

  test.each([
    { user: "dana", method: "PUT", path: "/orders/42", body: { item: "desk" } },
    { user: "max", method: "DELETE", path: "/orders/42" },
    { user: "dana", method: "GET", path: "/admin/book" },
    { user: "dana", method: "GET", path: "/journal" },
  ])("$user may not $method $path, and the upstream never hears of it", async ({ user, method, path, body }) => {
    const { proxy } = await system.as(user);
    const answer = await proxy(method, path, body === undefined ? {} : { body });
    expect(answer).toMatchObject({ status: 403, body: { outcome: "deny" } });
    expect(await system.orders.journal()).toEqual([]);
    expect((await system.orders.book()).orders).toContainEqual({ id: "42", item: "lamp" });
  });

  test("deleting an order needs approval: the order is still there, and the signed denial is on the topic", async () => {
    const { proxy } = await system.as("dana");
    const answer = await answerOf(() => proxy("DELETE", "/orders/42"));
    expect(answer).toMatchObject({
      status: 403,
      body: { outcome: "needs_approval", request_url: `${system.approval.url}/v1/requests` },
    });
    expect((await system.orders.book()).orders).toContainEqual({ id: "42", item: "lamp" });
    expect(await system.orders.journal()).toEqual([]);
    const [told, ...more] = await denials();
    expect(told).toMatchObject({
      kind: "parsed",
      value: {
        id: textAt(answer.body, "denial_id"),
        subject: { issuer: system.issuers.main.url, id: "dana" },
        call: { method: "DELETE", path: "/orders/42" },
        offers: [{ elevation: { entitlement: "orders-delete", scope: "order/42" } }],
      },
    });
    for (const repeated of more) expect(repeated).toEqual(told); // where its acknowledgement came too late
  });

  test("dana reads an order, and the upstream is told who she is and by which decision, whatever she says herself", async () => {
    const { proxy } = await system.as("dana");
    const spoofed = { "countersign-subject": "root", "countersign-grant-id": "mine" };
    const answer = await proxy("GET", "/orders/42", { headers: spoofed });
    expect(answer).toMatchObject({ status: 200, body: { id: "42", item: "lamp" } });
    const decisionId = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(await system.orders.journal()).toMatchObject([
      { method: "GET", path: "/orders/42", status: 200, subject: "dana", decisionId, grantId: null },
    ]);
  });

  test("a manager reaches the administration from a network of ours", async () => {
    const { proxy } = await system.as("max");
    expect(await proxy("GET", "/admin/book")).toMatchObject({ status: 200, body: { refunds: [] } });
  });

  test("both decision services answer", async () => {
    const { proxy } = await system.as("dana");
    for (let n = 0; n < 8; n += 1) expect((await proxy("GET", "/orders")).status).toBe(200);
    for (const { opsUrl } of system.decisions) {
      const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
      expect(metrics).toMatch(/countersign_decision_decisions_total\{outcome="allow"[^}]*\} [1-9]/);
    }
  });

  /** Opened as the approval service opens them. */
  async function denials() {
    const topic = TOPICS.denials.name;
    const pems = new Map<string, string>();
    for (const { kid, publicPath } of system.keys.values()) pems.set(kid, await readFile(publicPath, "utf8"));
    const verifier = createVerifier(pems);
    return (await recordsOf(system.kafka.settings, topic)).map((record) => {
      const { deployment } = system;
      const opened = openEnvelope(verifier, { deployment, topic, key: record.key ?? "" }, record);
      if (opened.kind === "fault") throw new Error(opened.reason);
      return readDenial(opened.payload);
    });
  }
});

(possible ? describe : describe.skip)("its traces", () => {
  testTracedStory(() => ({ system, collector }));
});
