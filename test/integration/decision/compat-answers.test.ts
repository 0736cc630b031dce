/**
 * What a compiled module answers otherwise than OPA, and the host answers in its place in compatibility mode: modules of
 * the real compiler, with what OPA itself says beside. Natively the module keeps its own.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { type CompatPolicy, loadCompatPolicy } from "../../../core/policy/compat-policy.ts";
import { parsePath } from "../../../core/policy/envoy-input/parsed-path.ts";
import { parseValue } from "../../../core/policy/rego-value/parse.ts";
import { RegoObject } from "../../../core/policy/rego-value/value.ts";
import { writeJson } from "../../../core/policy/rego-value/write.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { threadMs } from "../../harness/thread-time.ts";

const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
const ANSWERS = String.raw`package countersign

decision := {"allowed": true, "headers": {name: text | some name, text in _texts}}

_texts["bytes"] := hex.encode(input.parsed_path[0])
_texts["marshalled"] := json.marshal(input.parsed_path)
_texts["length"] := format_int(count(input.parsed_path[0]), 10)
_texts["joined"] := hex.encode(concat("-", [input.parsed_path[0], "x"]))
_texts["upper"] := upper(input.parsed_path[1])
_texts["position"] := format_int(indexof(input.parsed_path[0], "b"), 10)
_texts["third"] := json.marshal(1 / 3)
_texts["tenth"] := json.marshal(1 - 0.9)
_texts["without"] := json.marshal({1, 2, 3} - {2})
_texts["sum"] := json.marshal(sum([0.1, 0.2]))
_texts["items"] := format_int(count([1, 2, 3]), 10)
_texts["number"] := json.marshal(to_number("1e400"))
_texts["loose"] := base64.decode("aG k=")
_texts["mapped"] := json.marshal(net.cidr_contains("::ffff:10.0.0.0/104", "10.1.2.3"))
_texts["interpolated"] := $"{1 / 3}"
`;
const LOOP = `package countersign

decision := true if {
	input.loops
	total := sum([x | some i in numbers.range(1, 200000); x := (i * 0.1) + (i / 3)])
	total > 0
}
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "answers-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function load(name: string, module: string): Promise<CompatPolicy> {
  await makeBundle(join(folder, name), [module, NO_APPROVAL], {});
  const files = new Map([["policy.wasm", await readFile(join(folder, name, "policy.wasm"))]]);
  return loadCompatPolicy(deps, { files, path: "countersign/decision" });
}

function inputOf(path: string): string {
  const parsed = parsePath(path);
  if (parsed.kind === "fault") throw new Error(parsed.message);
  return writeJson(new RegoObject([["parsed_path", parsed.segments]]));
}

((await hasOpa()) ? describe : describe.skip)("in compatibility mode", () => {
  test("the answers are OPA's, with bytes that are not UTF-8 and numbers that are not decimal", async () => {
    const policy = await load("answers", ANSWERS);
    const { result } = policy.evaluate(inputOf("/a%ffb%ed%a0%80/caf%C3%A9"), { nowNs: 1n });
    expect(Object.fromEntries(result.kind === "allow" ? (result.fields?.headers ?? []) : [])).toEqual({
      ...{ bytes: "61ff62eda080", joined: "61ff62eda0802d78", length: "6", position: "2", upper: "CAFÉ" },
      marshalled: String.raw`["a\ufffdb\ufffd\ufffd\ufffd","café"]`,
      ...{
        third: "0.33333333333333333334",
        tenth: "0.10000000000000000002",
        sum: "0.3",
        interpolated: "0.33333333333333333334",
      },
      ...{ without: "[1,3]", items: "3", mapped: "true" },
    });
  });

  test("OPA says the same of what does not depend on bytes", async () => {
    const opa = await resolveTool("opa");
    if (opa.kind === "missing") throw new Error(opa.reason);
    const file = join(folder, "answers.rego");
    await writeFile(file, ANSWERS);
    const input = join(folder, "input.json");
    await writeFile(input, JSON.stringify({ parsed_path: ["ab", "café"] }));
    const args = ["eval", "--format", "values", "--data", file, "--input", input, "data.countersign.decision"];
    const said = await runCommand(opa.location, args, { timeoutMs: 60_000 });
    if (said.kind === "failed") throw new Error(said.message);
    const policy = await load("beside", ANSWERS);
    const { result } = policy.evaluate(inputOf("/ab/caf%C3%A9"), { nowNs: 1n });
    const ours = result.kind === "allow" ? (result.fields?.headers ?? []) : [];
    expect([{ allowed: true, headers: Object.fromEntries(ours) }]).toEqual(JSON.parse(said.output));
  });

  test("half a surrogate pair, in a policy and in an input, is what OPA takes it for", async () => {
    const opa = await resolveTool("opa");
    if (opa.kind === "missing") throw new Error(opa.reason);
    const text = String.raw`package countersign

decision := {"allowed": true, "headers": {"x": hex.encode(concat("|", [input.half, "\udfff", "\ud83d\ude00"]))}} if input.half == "\ud800"
`;
    const half = String.raw`{"half": "\udc80"}`;
    const [file, input] = [join(folder, "halves.rego"), join(folder, "halves.json")];
    await writeFile(file, text);
    await writeFile(input, half);
    const args = ["eval", "--format", "values", "--data", file, "--input", input, "data.countersign.decision"];
    const said = await runCommand(opa.location, args, { timeoutMs: 60_000 });
    if (said.kind === "failed") throw new Error(said.message);
    const policy = await load("halves", text);
    const { result } = policy.evaluate(writeJson(parseValue(half, "json")), { nowNs: 1n });
    const ours = result.kind === "allow" ? (result.fields?.headers ?? []) : [];
    expect(ours).toEqual([["x", "efbfbd7cefbfbd7cf09f9880"]]);
    expect([{ allowed: true, headers: Object.fromEntries(ours) }]).toEqual(JSON.parse(said.output));
  });

  test("text that is not UTF-8 and is handed out is no answer, and never one that opens a door", async () => {
    const policy = await load(
      "out",
      'package countersign\n\ndecision := {"allowed": true, "headers": {"x": input.parsed_path[0]}}\n',
    );
    expect(policy.evaluate(inputOf("/%ff"), { nowNs: 1n }).result).toMatchObject({ kind: "fault", echoes: true });
    expect(policy.evaluate(inputOf("/a"), { nowNs: 1n }).result).toMatchObject({ kind: "allow" });
  });

  test("where the runtime traps a client may have brought it about, which is never an error that opens a door", async () => {
    const policy = await load(
      "traps",
      `package countersign

decision := input.f > 1
decision := false if input.conflict
`,
    );
    for (const [input, echoes] of [
      ['{"f": 1e9999999999999999999}', true],
      ['{"f": 2, "conflict": true}', false],
    ] as const) {
      const { result } = policy.evaluate(input, { nowNs: 1n });
      expect(result).toMatchObject({ kind: "fault", reason: "policy_error", echoes });
    }
    expect(policy.evaluate('{"f": 2}', { nowNs: 1n }).result).toMatchObject({ kind: "allow" });
  });

  test("arithmetic by the host is paid for like everything else", async () => {
    const policy = await load("loop", LOOP);
    const ms = threadMs(2_000, () => {
      const { result } = policy.evaluate('{"loops":true}', { nowNs: 1n });
      expect(result).toMatchObject({ kind: "fault", reason: "policy_budget_exceeded" });
    });
    expect(ms).toBeLessThan(2_000);
  });
});
