/** The policy of the README's first screen, as it stands there: strict, short, and in place of the sample's own it passes the sample's self-test. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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

test("it has twelve lines", () => {
  expect(policy.trimEnd().split("\n")).toHaveLength(12);
});

(opa.kind === "found" ? describe : describe.skip)("by OPA", () => {
  async function run(...args: readonly string[]): Promise<string> {
    if (opa.kind !== "found") throw new Error(opa.reason);
    const result = await runCommand(opa.location, args, { timeoutMs: 30_000, cwd: folder });
    return result.kind === "done" ? result.output : result.message;
  }

  async function decide(method: string, group = "engineers", path = ["orders", "42"]): Promise<string> {
    await writeFile(
      join(folder, "input.json"),
      JSON.stringify({
        action: { name: method },
        parsed_path: path,
        subject: { properties: { groups: [group] } },
      }),
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
    const schema = join(root, "rego/countersign/schema");
    expect(
      await run("check", "--strict", "-s", schema, "orders.rego", join(root, "rego/countersign/lib/http.rego")),
    ).toBe("");
  });

  test("anything else than it names is denied; reading is allowed; deleting needs approval, for that order", async () => {
    expect(await decide("PUT")).toContain('"outcome":"deny"');
    expect(await decide("POST")).toContain('"outcome":"no_rule_matched"');
    for (const method of ["GET", "DELETE"]) {
      expect(await decide(method, "sales")).toContain('"outcome":"no_rule_matched"');
      expect(await decide(method, "engineers", ["refunds", "42"])).toContain('"outcome":"no_rule_matched"');
    }
    expect(await decide("GET")).toContain('"outcome":"allow"');
    expect(await decide("DELETE")).toContain('"outcome":"elevate"');
    expect(await decide("DELETE")).toContain('"scope":"order/42"');
  });

  test("pasted over the policy of the sample it is built, and every case of the sample's self-test holds", async () => {
    const source = join(folder, "source");
    await cp(join(root, "rego/countersign"), source, { recursive: true });
    await writeFile(join(source, "policies/orders/orders.rego"), policy);
    const args = [join(root, "scripts/build-bundle.ts"), "--source", source, "--out", join(folder, "out")];
    expect(await runCommand(process.execPath, args, { timeoutMs: 50_000 })).toMatchObject({ kind: "done" });
  }, 60_000);
});
