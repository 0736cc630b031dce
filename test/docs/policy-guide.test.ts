/** The examples of the guide, built into one bundle with the framework and asked by the host that decides in production. */
import { randomBytes } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { allowanceOf, DEFAULT_BUDGET } from "../../core/policy/budget.ts";
import { BUILTINS } from "../../core/policy/builtins/registry.ts";
import { statementOf } from "../../core/policy/asked/said.ts";
import { loadAsked, type LoadedBundle } from "../../core/policy/explain/load-asked.ts";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../scripts/tools/run-command.ts";

jest.setTimeout(60_000);

/** Of what a policy may use: one that comes near it is stopped by the first large input. */
const MOST_OF_A_BUDGET = 0.05;

const time = "2026-11-24T10:00:00Z";
const asked = (entitlement: string) => ({ request: { elevation: { entitlement, title: "x" }, justification: "x" } });
/** Each has to hold, or the bundle is not built: of `managers`, whom the sample asks, nobody is asked here. */
const ROUTED = [
  {
    ...{ name: "what the route does not name is denied", entrypoint: "route", time, input: asked("payout") },
    expect: { decide: "deny", reason: "the policy names nobody who may approve this" },
  },
  {
    ...{ name: "the heads of finance", entrypoint: "route", time, input: asked("payroll-after-hours") },
    expect: { requirement: { group: "heads-of-finance" } },
  },
  {
    ...{ name: "may_review adds nothing", entrypoint: "mayReview", time, input: asked("payroll-after-hours") },
    expect: { allowed: true, reasons: [] },
  },
];

const root = path.resolve(import.meta.dirname, "../..");
const guide = path.join(root, "rego/guide/countersign/policies");
const opa = await resolveTool("opa");

(opa.kind === "found" ? describe : describe.skip)("the examples of the policy guide", () => {
  let folder: string;
  let bundle: LoadedBundle;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "policy-guide-"));
    const source = path.join(folder, "source");
    for (const part of ["decision.rego", "approval", "lib"]) {
      await cp(path.join(root, "rego/countersign", part), path.join(source, part), { recursive: true });
    }
    await cp(guide, path.join(source, "policies"), { recursive: true });
    const page = await readFile(path.join(root, "docs/policy-guide.md"), "utf8");
    const route = /^## Who approves$[^]*?^```rego\n([^]*?)^```$/m.exec(page)?.[1] ?? "";
    const mayReview = /^`(may_review := .*)`\.$/m.exec(page)?.[1] ?? "";
    expect([route, mayReview]).toEqual([expect.stringContaining("route :="), expect.stringContaining("allowed")]);
    await writeFile(path.join(source, "approval/route.rego"), route);
    await writeFile(path.join(source, "approval/may_review.rego"), `package countersign.approval\n\n${mayReview}\n`);
    await writeFile(path.join(source, "self-test.json"), JSON.stringify({ cases: ROUTED }));
    const out = path.join(folder, "bundle");
    const script = path.join(root, "scripts/build-bundle.ts");
    const built = await runCommand(process.execPath, [script, "--source", source, "--out", out], { timeoutMs: 50_000 });
    expect(built).toMatchObject({ kind: "done" });
    const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
    bundle = await loadAsked(out, deps);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** `more` stands in place of what an engineer's call by day has. */
  function decided(method: string, parsedPath: readonly string[], group: string, more: object = {}): string {
    const context = { time: "2026-11-24T10:00:00Z", source_address: "10.1.2.3", state: { fresh: true }, incidents: [] };
    const input = {
      action: { name: method },
      resource: { type: "http_request", id: "x", properties: {} },
      parsed_path: parsedPath,
      parsed_body: null,
      subject: { type: "user", id: "dana", properties: { groups: [group], actors: [] } },
      context,
      ...more,
    };
    const { said, fuelUsed } = bundle.ask(JSON.stringify(input), { nowNs: 1_795_514_400_000_000_000n });
    expect(fuelUsed).toBeLessThan(allowanceOf(DEFAULT_BUDGET).fuel * MOST_OF_A_BUDGET);
    return statementOf(said).text;
  }

  test("there are eleven", async () => {
    expect(await readdir(guide)).toHaveLength(11);
  });

  test("a package that requires what is not known denies what would be allowed, as a fault", () => {
    const context = { state: { fresh: true } };
    expect(decided("GET", ["handbook"], "staff", { context })).toContain("context_unavailable");
  });

  test.each([
    ["GET", ["handbook"], "staff", "allow: handbook_read"],
    ["GET", ["payroll"], "accountants", "elevate: payroll-after-hours payroll"],
    ["GET", ["exports", "7"], "analysts", "deny: country_not_trusted"],
    ["GET", ["repositories"], "developers", "deny: device_not_managed"],
    ["POST", ["deployments"], "release-managers", "allow: deploy"],
    ["DELETE", ["deployments", "7"], "release-managers", "allow: take_back"],
    ["DELETE", ["customers", "7"], "support", "elevate: customer-delete customer/7"],
    ["POST", ["payouts"], "finance", "deny: payout_not_readable"],
    ["POST", ["calendar"], "staff", "allow: calendar_write"],
    ["GET", ["vault"], "engineers", "elevate: vault-unusual vault"],
  ])("%s %j by %s: %s", (method, parsedPath, group, expected) => {
    expect(decided(method, parsedPath, group)).toBe(expected);
  });

  test("a change of an account is offered for approval by its body, and not without one that can be shown", () => {
    const change = (more: object) => decided("PATCH", ["admin-api", "accounts", "7"], "administrators", more);
    expect(change({ parsed_body: { limit: 7 } })).toBe("elevate: account-change account/7");
    expect(change({})).toBe("deny: no_rule_matched");
  });

  test("during an incident taking a deployment back needs approval", () => {
    const incidents = [{ id: "i", severity: "high", scope: "*", since: "2026-11-24T09:00:00Z" }];
    const context = { state: { fresh: true }, incidents };
    const asked = decided("DELETE", ["deployments", "7"], "release-managers", { context });
    expect(asked).toBe("elevate: deployment-delete deployment/7");
  });

  test("who calls as usual is asked for nothing", () => {
    const counted = { days: 30, last: "2026-11-23T10:00:00Z" };
    const profile = {
      ...{ days: 30, since: "2026-09-01T10:00:00Z", as_of: "2026-11-24T09:30:00Z" },
      ...{ hours: [{ hour: 10, ...counted }], networks: [{ network: "10.1.2.0/24", ...counted }] },
      countries: [{ country: "DE", ...counted }],
    };
    const known = { source_address: "10.1.2.3", state: { fresh: true }, incidents: [], profile };
    const at = (time: string, more = {}) =>
      decided("GET", ["vault"], "engineers", { context: { ...known, time, ...more } });
    const travelling = (country: string) => at("2026-11-24T10:00:00Z", { source_address: "198.51.100.7", country });
    expect(travelling("US")).toBe("elevate: vault-unusual vault");
    expect(travelling("DE")).toBe("allow: vault_read");
    expect(at("2026-11-24T22:00:00Z")).toBe("elevate: vault-unusual vault");
    expect(at("2026-11-24T10:59:59Z")).toBe("allow: vault_read");
  });

  test("a connection to the ledger needs approval", () => {
    const resource = { type: "tcp_connection", id: "ledger-db.example", properties: {} };
    expect(decided("connect", [""], "accountants", { resource })).toBe("elevate: ledger-connect database/ledger");
  });
});
