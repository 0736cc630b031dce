/** The policy of the README's first screen, as it stands there: strict, nine lines, and of the outcome that is claimed for it. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../scripts/tools/run-command.ts";

const root = join(import.meta.dirname, "../..");
const opa = await resolveTool("opa");
let folder: string;
let policy: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "readme-policy-"));
  policy = /```rego\n([^]*?)```/.exec(await readFile(join(root, "README.md"), "utf8"))?.[1] ?? "";
  await writeFile(join(folder, "orders.rego"), policy);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("it has nine lines", () => {
  expect(policy.trimEnd().split("\n")).toHaveLength(9);
});

(opa.kind === "found" ? describe : describe.skip)("by OPA", () => {
  async function run(...args: readonly string[]): Promise<string> {
    if (opa.kind !== "found") throw new Error(opa.reason);
    const result = await runCommand(opa.location, args, { timeoutMs: 30_000, cwd: folder });
    return result.kind === "done" ? result.output : result.message;
  }

  async function decide(method: string): Promise<string> {
    await writeFile(
      join(folder, "input.json"),
      JSON.stringify({ action: { name: method }, parsed_path: ["orders", "42"] }),
    );
    const data = [join(root, "rego/countersign/decision.rego"), join(root, "rego/countersign/lib"), "orders.rego"];
    return run(
      "eval",
      "-f",
      "raw",
      "-i",
      "input.json",
      ...data.flatMap((path) => ["-d", path]),
      "data.countersign.decision",
    );
  }

  test("it passes the strict check", async () => {
    expect(await run("check", "--strict", "orders.rego")).toBe("");
  });

  test("anything else than it names is denied; reading is allowed; deleting needs approval, for that order", async () => {
    expect(await decide("PUT")).toContain('"outcome":"no_rule_matched"');
    expect(await decide("GET")).toContain('"outcome":"allow"');
    expect(await decide("DELETE")).toContain('"outcome":"elevate"');
    expect(await decide("DELETE")).toContain('"scope":"order/42"');
  });
});
