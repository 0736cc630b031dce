import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { linkedModules } from "../../test/harness/linked-modules.ts";
import type { Verdict } from "../domain/decision.ts";
import { allowanceOf, DEFAULT_BUDGET } from "./budget.ts";
import { BUILTINS } from "./builtins/registry.ts";
import { type Bundle, loadBundle } from "./bundle.ts";
import { BUNDLE_LIMITS } from "./bundles/bundle-files.ts";
import { createPolicyHost, type PolicyHost } from "./policy-host.ts";
import { writeJson } from "./rego-value/write.ts";
import { readSections, SECTION, writeSections } from "./wasm/binary/sections.ts";

const folder = path.resolve(import.meta.dirname, "../../rego/bundle");
const time = { nowNs: 1_795_514_400_000_000_000n };
let bundle: Bundle;

beforeAll(async () => {
  bundle = await loadBundle(folder);
});

function verdictOf(policyHost: PolicyHost, inputJson: string, at: typeof time): Verdict {
  return policyHost.decide(inputJson, at).verdict;
}

function newHost(builtins = BUILTINS): PolicyHost {
  return createPolicyHost(
    { builtins, randomBytes, monotonicMs: () => performance.now() },
    { defaultRealm: "corp", warmUps: 2 },
  );
}

function call(method: string, parsedPath: readonly string[], groups: readonly string[], more: object = {}): string {
  return JSON.stringify({
    action: { name: method },
    parsed_path: parsedPath,
    parsed_body: null,
    subject: { type: "user", id: "dana", properties: { groups } },
    context: { time: "2026-11-24T10:00:00Z", source_address: "10.1.2.3", state: { fresh: true } },
    ...more,
  });
}

describe("activation", () => {
  test("a built-in that is not served is refused by name, and nothing becomes active", async () => {
    const host = newHost(new Map([...BUILTINS].filter(([name]) => name !== "sprintf")));
    expect(await host.activate(bundle)).toEqual({
      kind: "refused",
      reason: "missing_builtin",
      detail: "not served here: sprintf",
    });
    expect(host.revision()).toBeUndefined();
    expect(host.route("{}", time)).toMatchObject({ kind: "unavailable" });
    expect(verdictOf(host, call("GET", ["orders"], ["engineers"]), time)).toMatchObject({
      reason: "policy_not_loaded",
    });
  });

  test("a refused bundle leaves the last good one in place", async () => {
    const host = newHost();
    await host.activate(bundle);
    expect(await host.activate({ ...bundle, wasm: Uint8Array.of(0, 97, 115, 109) })).toMatchObject({
      kind: "refused",
      reason: "invalid_module",
    });
    expect(await host.activate({ ...bundle, dataJson: "{" })).toMatchObject({ kind: "refused" });
    expect(host.revision()).toBe(bundle.revision);
    expect(verdictOf(host, call("GET", ["orders"], ["engineers"]), time).kind).toBe("allow");
  });

  test("a module that was stripped of its names is refused: a denial that fails in it would go unseen", async () => {
    const named = readSections(bundle.wasm);
    const isNames = (content: Uint8Array) => Buffer.from(content.subarray(1, 5)).toString() === "name";
    const wasm = writeSections(named.filter(({ id, content }) => id !== SECTION.custom || !isNames(content)));
    expect(wasm.length).toBeLessThan(bundle.wasm.length);
    expect(await newHost().activate({ ...bundle, wasm })).toMatchObject({
      kind: "refused",
      reason: "invalid_module",
      detail: expect.stringContaining("have no names"),
    });
  });

  test("of a bundle in which only data is new, the module is linked again and not compiled; of one with another module it is", async () => {
    const linked = linkedModules();
    try {
      const host = newHost();
      await host.activate(bundle);
      const [module] = linked.modules;
      const requires = { ...bundle, dataJson: '{"countersign":{"requires":{"orders":["incidents"]}}}' };
      expect(await host.activate(requires)).toMatchObject({ kind: "activated", compiled: false });
      expect(verdictOf(host, call("GET", ["orders"], ["engineers"]), time)).toMatchObject({
        reason: "context_unavailable",
      });
      expect(linked.modules.every((one) => one === module)).toBe(true);
      const other = Buffer.concat([bundle.wasm, Buffer.from([0, 3, 1, 0x78, 1])]);
      expect(await host.activate({ ...bundle, wasm: other })).toMatchObject({ kind: "activated", compiled: true });
      expect(linked.modules.at(-1)).not.toBe(module);
    } finally {
      linked.restore();
    }
  });

  test("a bundle without a passed build check, or without an entrypoint, is not loaded", async () => {
    const scratch = await mkdtemp(path.join(tmpdir(), "bundle-"));
    try {
      const manifest = await readFile(path.join(folder, ".manifest"), "utf8");
      for (const name of ["policy.wasm", "data.json"]) {
        await writeFile(path.join(scratch, name), await readFile(path.join(folder, name)));
      }
      for (const broken of [
        manifest.replace("passed", "failed"),
        manifest.replace("countersign/approval/route", "x"),
        "{",
      ]) {
        await writeFile(path.join(scratch, ".manifest"), broken);
        await expect(loadBundle(scratch)).rejects.toMatchObject({ code: "invalid_bundle" });
      }
      await expect(loadBundle(folder, { ...BUNDLE_LIMITS, wasmBytes: 10 })).rejects.toMatchObject({
        code: "invalid_bundle",
      });
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
});

describe("the sample policies", () => {
  let host: PolicyHost;
  beforeAll(async () => {
    host = newHost();
    expect(await host.activate(bundle)).toEqual({ kind: "activated", revision: bundle.revision, compiled: true });
  });

  test("a request that no rule names is denied without reasons", () => {
    expect(verdictOf(host, call("GET", ["nothing"], ["engineers"]), time)).toMatchObject({ kind: "deny", reasons: [] });
    expect(verdictOf(host, "null", time)).toMatchObject({ kind: "deny" });
    expect(verdictOf(host, "false", time)).toMatchObject({ kind: "deny" });
  });

  test("an evaluation uses less than a twentieth of its budget", () => {
    const input = call("DELETE", ["orders", "42"], ["engineers"], {
      request: { headers: { cookie: "x".repeat(4_000) } },
    });
    const { verdict, fuelUsed } = host.decide(input, time);
    expect(verdict.kind).toBe("elevate");
    expect(fuelUsed).toBeLessThan(0.05 * allowanceOf(DEFAULT_BUDGET).fuel);
  });

  test("an input that is not JSON is a fault, never an empty input", () => {
    expect(verdictOf(host, "{", time)).toMatchObject({ kind: "fault", reason: "policy_error" });
    expect(verdictOf(host, call("GET", ["orders"], ["engineers"]), time).kind).toBe("allow");
  });

  test("deleting an order is elevated with its scope, and only for engineers", () => {
    expect(verdictOf(host, call("DELETE", ["orders", "42"], ["sales"]), time).kind).toBe("deny");
    expect(verdictOf(host, call("DELETE", ["orders", "42"], ["engineers"]), time)).toMatchObject({
      kind: "elevate",
      elevations: [
        { entitlement: "orders-delete", scope: "order/42", binding: "scope", maxUses: 5, maxDuration: 3_600_000 },
      ],
    });
  });

  test("a refund is elevated exactly, with the amount in digits as they came", () => {
    const body = '{"order":7,"amount":40.10}';
    const input = call("POST", ["refunds"], ["engineers"]).replace('"parsed_body":null', `"parsed_body":${body}`);
    expect(verdictOf(host, input, time)).toMatchObject({
      kind: "elevate",
      elevations: [{ scope: "order/7/amount/40.10", binding: "exact", maxUses: 1, risk: "high" }],
    });
    expect(verdictOf(host, input.replace("40.10", "1e5"), time)).toMatchObject({ reasons: ["refund_not_readable"] });
  });

  test("reports depend on the time that was given, not on a clock", () => {
    const input = call("GET", ["reports"], ["engineers"]);
    expect(verdictOf(host, input, time).kind).toBe("allow");
    expect(verdictOf(host, input.replace("T10:", "T03:"), time)).toMatchObject({ reasons: ["outside_office_hours"] });
  });

  test("a built-in that fails is a policy error, even where the policy would have gone on", () => {
    const input = call("GET", ["reports"], ["engineers"]).replace("2026-11-24T10:00:00Z", "yesterday");
    expect(verdictOf(host, input, time)).toMatchObject({
      kind: "fault",
      reason: "policy_error",
      detail: expect.stringContaining("time.parse_rfc3339_ns"),
    });
  });

  test("a key named __proto__ changes nothing and breaks nothing", () => {
    const input = call("DELETE", ["orders", "__proto__"], ["engineers"]).replace("{", '{"__proto__":{"allow":true},');
    expect(verdictOf(host, input, time)).toMatchObject({ elevations: [{ scope: "order/__proto__" }] });
  });

  test("routing asks a manager, above 100 security as well; a fault is neither", () => {
    const request = (scope: string): string =>
      JSON.stringify({
        request: { elevation: { entitlement: "refund", scope, title: "t" }, justification: "because" },
      });
    const manager = { kind: "one_from", set: { kind: "group", realm: "corp", group: "managers" } };
    expect(host.route(request("order/7/amount/100"), time)).toMatchObject({ kind: "people", requirement: manager });
    expect(host.route(request("order/7/amount/100.01"), time)).toMatchObject({ requirement: { kind: "all_of" } });
    expect(host.route(request("order/7/amount/10001"), time)).toMatchObject({
      requirement: { kind: "stages" },
      limits: { maxUses: 1 },
      escalation: { notify: ["duty"] },
    });
    expect(host.route("{", time).kind).toBe("failed");
  });

  test("may_review refuses what it names, and allows the rest to the requirement", () => {
    const input = (groups: readonly string[]): string =>
      JSON.stringify({ request: { elevation: { entitlement: "orders-delete" } }, reviewer: { groups, claims: {} } });
    expect(host.mayReview(input(["developers"]), time)).toMatchObject({ kind: "refused" });
    expect(host.mayReview(input(["managers"]), time)).toEqual({ kind: "allowed" });
  });

  test("bytes of a path that are not UTF-8 cost no instance, and are refused where a policy hands them out", async () => {
    const input = (method: string, ...segments: readonly string[]) =>
      call(method, [], ["engineers"]).replace('"parsed_path":[]', `"parsed_path":${writeJson(segments)}`);
    const linked = linkedModules();
    try {
      for (const segment of ["\udcff", "a\udcffb", "\udced\udca0\udc80", "é\udcff"]) {
        expect(verdictOf(host, input("GET", segment), time)).toMatchObject({ kind: "deny", reasons: [] });
        expect(verdictOf(host, input("GET", "orders", segment), time)).toMatchObject({ reasons: ["orders_read"] });
        expect(verdictOf(host, input("DELETE", "orders", segment), time)).toEqual({
          ...{ kind: "fault", reason: "policy_result_invalid", detail: "a text is not Unicode" },
        });
      }
      expect(linked.modules).toEqual([]);
      expect(verdictOf(host, "{", time)).toMatchObject({ reason: "policy_error" });
      expect(verdictOf(host, input("GET", "orders"), time).kind).toBe("allow");
      expect(linked.modules).toHaveLength(1);
    } finally {
      linked.restore();
    }
  });

  test("ten thousand evaluations leave no trace in each other and keep answering", () => {
    for (let count = 0; count < 10_000; count++) {
      const groups = count % 2 === 0 ? ["engineers"] : [];
      expect(verdictOf(host, call("GET", ["orders"], groups), time).kind).toBe(count % 2 === 0 ? "allow" : "deny");
    }
  });
});
