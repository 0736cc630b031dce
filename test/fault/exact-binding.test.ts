/**
 * An exact approval through the real Envoy: it opens the very call that was approved, byte for byte, and nothing that differs from it in
 * anything that is bound; the upstream never sees what was refused. Which requests an enforcer passes on at all is tested elsewhere
 * (test/integration/enforcer-cases.ts). The policy here ties every POST under /refunds, the empty one too, with one header.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { approved, submitted } from "../../sample/story/ask.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import { members } from "../../sample/story/see.ts";
import type { Stage } from "../../sample/story/stage.ts";
import { textAt } from "../../platform/programs/client.ts";
import { hasOpa, makeBundle } from "../harness/made-bundle.ts";
import { rawRequest, sendRaw } from "../harness/raw-http.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const REGO = join(import.meta.dirname, "../../rego/countersign");
const FILES = ["decision.rego", "approval/route.rego", "approval/may_review.rego"];
const GIFTS = `package countersign.policies.gifts

elevate contains {
  "entitlement": "gift", "scope": "gift", "title": "Give a gift",
  "display": [{"label": "Gift", "value": "as it was sent"}],
  "binding": "exact", "bind_headers": ["x-batch"], "max_uses": "unlimited", "max_duration": "10m",
} if {
  input.action.name == "POST"
  input.parsed_path[0] == "refunds"
}
`;

type Sent = { readonly target?: string; readonly lines?: readonly string[]; readonly body?: Uint8Array };

/** Some forty calls in each test, one after the other. */
jest.setTimeout(180_000);

const possible = (await canStartSystem()) && (await hasOpa());
let system: System;
let stage: Stage;
let folder: string;

beforeAll(async () => {
  if (!possible) return;
  folder = await mkdtemp(join(tmpdir(), "exact-"));
  const modules = await Promise.all(FILES.map((file) => readFile(join(REGO, file), "utf8")));
  const bundle = { path: join(folder, "bundle"), unsigned: "accepted" };
  await makeBundle(bundle.path, [...modules, GIFTS], { countersign: { requires: {} } });
  system = await startSystem({
    decisionSettings: (settings) => ({ ...settings, bundle }),
    approvalSettings: (settings) => ({ ...settings, bundle }),
  });
  stage = realStage(system);
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}, 60_000);

/**
 * What came back, and how many calls the orders API saw of it. Asked again while it is 503: on a busy machine there is no time to decide, to
 * publish a denial or to hear a heartbeat, which opens nothing and says nothing about what is bound.
 */
async function send(sent: Sent) {
  return waitUntil("a decision", 60_000, async () => {
    const answer = await sendOnce(sent);
    if (answer.status !== 503) return answer;
    expect(answer.arrived).toBe(0);
    return undefined;
  });
}

async function sendOnce({ target = "/refunds", lines = [], body = Buffer.alloc(0) }: Sent) {
  const before = (await system.orders.journal()).at(-1)?.number ?? 0;
  const bearer = `authorization: Bearer ${await system.token("dana")}`;
  const { status, text } = await sendRaw(system.envoy.port, rawRequest("POST", target, [bearer, ...lines], body));
  const content = text.slice(text.indexOf("\r\n\r\n") + 4);
  const problem: unknown = content.includes("urn:countersign:problem:") ? JSON.parse(content) : undefined;
  return { status, problem, arrived: (await system.orders.journal(before)).length };
}

/** Denied, asked for, approved; resolves when the decision service lets it through. */
async function approve(sent: Sent): Promise<void> {
  const denied = await send(sent);
  expect(denied).toMatchObject({ status: 403, arrived: 0 });
  const asked = await submitted(stage, textAt(denied.problem, "denial_id"));
  const answer = await approved(stage, textAt(asked.body, "request", "id"));
  expect(answer.status).toBe(200);
  await waitUntil("the approved call to pass", 60_000, async () => (await send(sent)).arrived === 1);
}

async function expectOutside(sent: Sent): Promise<void> {
  const { status, problem, arrived } = await send(sent);
  expect({ status, arrived, ...members(problem, "outcome", "grant_reason") }).toEqual({
    ...{ status: 403, arrived: 0 },
    ...{ outcome: "needs_approval", grant_reason: "outside" },
  });
}

async function expectPassed(sent: Sent): Promise<void> {
  expect(await send(sent)).toMatchObject({ problem: undefined, arrived: 1 });
}

const json = "content-type: application/json";
const batch = "x-batch: Red";
const whole = Buffer.from('{"order":"7","amount":40}');
const chunked = (body: Buffer): Sent => ({
  lines: ["transfer-encoding: chunked", json, batch],
  body: Buffer.concat([
    ...[Buffer.from("5\r\n"), body.subarray(0, 5), Buffer.from(`\r\n${(body.length - 5).toString(16)}\r\n`)],
    ...[body.subarray(5), Buffer.from("\r\n0\r\n\r\n")],
  ]),
});

(possible ? describe : describe.skip)("an exact approval", () => {
  test("of the empty POST opens no POST with a body, however it is framed", async () => {
    await approve({});
    for (const body of ["{}", " ", "\0"]) await expectOutside({ body: Buffer.from(body) });
    await expectOutside({ lines: ["transfer-encoding: chunked"], body: Buffer.from("1\r\n{\r\n0\r\n\r\n") });
    await expectPassed({ lines: ["content-length: 0"] });
    await expectPassed({ lines: ["transfer-encoding: chunked"], body: Buffer.from("0\r\n\r\n") });
  });

  test("opens nothing that differs in what is bound, and the upstream sees none of it", async () => {
    await approve({ lines: [json, batch], body: whole });
    const changed: readonly Sent[] = [
      { lines: [json, batch], body: Buffer.from('{"order":"7","amount":41}') },
      { lines: [json, batch], body: Buffer.concat([whole, Buffer.from("\n")]) },
      { lines: [json, batch] },
      { lines: ["content-type: application/JSON", batch], body: whole },
      { lines: ["content-type: application/json; charset=utf-8", batch], body: whole },
      { lines: [batch], body: whole },
      { target: "/refunds?a=1", lines: [json, batch], body: whole },
      { target: "/refunds?", lines: [json, batch], body: whole },
      { target: "/refunds/", lines: [json, batch], body: whole },
      { target: "/refunds/7", lines: [json, batch], body: whole },
      { lines: [json, "x-batch: red"], body: whole },
      { lines: [json], body: whole },
      { lines: [json, batch, batch], body: whole },
      { lines: [json, batch, "content-encoding: identity"], body: whole },
      chunked(Buffer.from('{"order":"7","amount":41}')),
    ];
    for (const sent of changed) await expectOutside(sent);
    // One that would be parsed is not looked into; of another kind it is seen, and cannot be bound.
    for (const [type, status, refusal] of [
      ["application/json", 400, "request_parse_error"],
      ["application/octet-stream", 403, "body_not_bindable"],
    ] as const) {
      const encoded = await send({ lines: [`content-type: ${type}`, batch, "content-encoding: gzip"], body: whole });
      expect(encoded).toMatchObject({ status, arrived: 0, problem: { outcome: "deny" } });
      expect(textAt(encoded.problem, "type")).toContain(refusal);
    }
    await expectPassed({ lines: ["Content-Type: application/json", "X-BATCH: Red", "x-unbound: 1"], body: whole });
    await expectPassed(chunked(whole));
  });

  test("of bytes that are no UTF-8 is tied to those bytes", async () => {
    const binary = (...bytes: readonly number[]): Sent => ({
      lines: ["content-type: application/octet-stream", batch],
      body: Buffer.from(bytes),
    });
    await approve(binary(0xff, 0xfe, 0x00));
    for (const other of [binary(0xff, 0xfd, 0x00), binary(0xfe, 0xfe, 0x00), binary(0x21, 0x21, 0x00)]) {
      await expectOutside(other);
    }
    await expectOutside({ ...binary(), body: Buffer.from("\ufffd\ufffd\0") });
    await expectPassed(binary(0xff, 0xfe, 0x00));
  });

  test("is not even asked for with a body beyond 64 KiB", async () => {
    expect(await send({ body: Buffer.alloc(65_537, 97) })).toMatchObject({ status: 413, arrived: 0 });
    expect(await send({ body: Buffer.alloc(65_536, 97) })).toMatchObject({ status: 403, arrived: 0 });
  });
});
