/**
 * An approval of a POST without a body, through a real Envoy: it is one of exactly that. Were a body that was not there taken for one that
 * was not looked at, whoever had the empty POST approved could send anything with it.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ARRIVAL_MS, deniedId, granted } from "../../sample/story/ask.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import { eventually, refusal } from "../../sample/story/see.ts";
import { hasOpa, makeBundle } from "../harness/made-bundle.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";

const REGO = join(import.meta.dirname, "..", "..", "rego", "countersign");
const CLOSING = `package countersign.policies.closing
elevate contains {"entitlement": "close", "scope": "today", "title": "Close the day", "binding": "exact", "max_duration": "10m",
  "display": [{"label": "Day", "value": "today"}]} if {
  input.action.name == "POST"
  input.parsed_path == ["orders", "close"]
  "engineers" in input.subject.properties.groups
}`;

const possible = (await canStartSystem()) && (await hasOpa());
let folder: string;
let system: System;

beforeAll(async () => {
  if (!possible) return;
  folder = await mkdtemp(join(tmpdir(), "empty-post-"));
  const files = (await readdir(REGO, { recursive: true })).filter((name) => /(?<!_test)\.rego$/.test(name));
  const modules = await Promise.all(files.map((name) => readFile(join(REGO, name), "utf8")));
  await makeBundle(join(folder, "bundle"), [...modules, CLOSING], {});
  const bundle = { path: join(folder, "bundle"), unsigned: "accepted" };
  system = await startSystem({
    decisionSettings: (settings) => ({ ...settings, bundle }),
    approvalSettings: (settings) => ({ ...settings, bundle }),
  });
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  if (possible) await rm(folder, { recursive: true, force: true });
}, 60_000);

(possible ? describe : describe.skip)("an approved empty POST", () => {
  test("does not pass with a body, not even one of a space; empty it does, once", async () => {
    const stage = realStage(system);
    const { proxy } = await stage.as("dana");
    const post = (body?: string) => proxy("POST", "/orders/close", body === undefined ? {} : { body });
    await granted(stage, await deniedId(stage, "POST", "/orders/close"));
    const refused = { status: 403, outcome: "needs_approval", grant_reason: "outside" };
    const arrived = await eventually(
      "the grant to arrive",
      ARRIVAL_MS,
      () => post('{"all":true}'),
      (answer) => {
        return refusal(answer)["grant_reason"] === "outside";
      },
    );
    expect(refusal(arrived.answer)).toEqual(refused);
    const headers = { "content-type": "text/plain" };
    for (const body of [" ", "null", "x".repeat(60_000)]) {
      expect(refusal(await proxy("POST", "/orders/close", { body, headers }))).toEqual(refused);
    }
    const isClose = ({ path }: { readonly path: string }) => path === "/orders/close";
    expect((await system.orders.journal()).filter(isClose)).toEqual([]);

    expect((await post()).status).toBe(404); // the orders API has no such route: it was asked
    expect((await system.orders.journal()).filter(isClose)).toHaveLength(1);
    expect(refusal(await post())).toEqual({ ...refused, grant_reason: "spent" });
  }, 60_000);
});
