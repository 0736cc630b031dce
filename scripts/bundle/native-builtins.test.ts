/**
 * The three lists of core/policy/native-builtins.ts against the compiler: every built-in that a policy may call is called in a real
 * module, with every mixture of values. What the module does not ask its host for has to stand in one of the lists, and to do
 * what the list says.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { BUILTINS } from "../../core/policy/builtins/registry.ts";
import { DEFAULT_BUDGET } from "../../core/policy/budget.ts";
import {
  INFALLIBLE,
  nativeBuiltins,
  UNSEEN,
  WATCHED,
  WATCHED_BY_ID,
  WATCHING,
} from "../../core/policy/native-builtins.ts";
import { RegoSet } from "../../core/policy/rego-value/value.ts";
import { compilePolicy } from "../../core/policy/wasm/compile-policy.ts";
import { createPolicyRunner, type PolicyRunner } from "../../core/policy/wasm/policy-runner.ts";
import { resolveTool } from "../tools/resolve-tool.ts";
import { runCommand } from "../tools/run-command.ts";
import { field, list } from "./ast.ts";

jest.setTimeout(60_000);
const CAPABILITIES = path.resolve(import.meta.dirname, "../../rego/capabilities.json");
const VALUES = ["null", "true", "1", '"x"', "[]", '["x"]', '{"a": 1}', '{"x"}'];
/** Written by the compiler, or what `:=` and `=` are: there is no call of them that could be made to fail. */
const SYNTAX = new Set(["assign", "eq", "print", "internal.print", "internal.test_case"]);

type Declared = {
  readonly name: string;
  readonly operands: number;
  readonly isOld: boolean;
  readonly isRelation: boolean;
};

function declaredBy(capabilities: unknown): readonly Declared[] {
  return list(field(capabilities, "builtins")).map((builtin) => ({
    name: String(field(builtin, "name")),
    operands: list(field(field(builtin, "decl"), "args")).length,
    isOld: field(builtin, "deprecated") === true,
    isRelation: field(builtin, "relation") === true,
  }));
}

function callOf({ name, operands, isRelation }: Declared): string {
  const given = Array.from({ length: operands }, (_, at) => `input.given[${at}]`);
  const [first, second, third] = given;
  if (name === "internal.member_2") return `_ = (${first} in ${second})`;
  if (name === "internal.member_3") return `_ = (${first}, ${second} in ${third})`;
  if (name === "internal.template_string") return `_ = $"a {${first}}"`;
  return isRelation ? `${name}(${given.join(", ")}, _)` : `_ = ${name}(${given.join(", ")})`;
}

const opa = await resolveTool("opa");

(opa.kind === "found" ? describe : describe.skip)("what OPA compiles into a module", () => {
  let folder: string;
  let declared: readonly Declared[];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "native-builtins-"));
    declared = declaredBy(JSON.parse(await readFile(CAPABILITIES, "utf8"))).filter(({ name }) => !SYNTAX.has(name));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** `called`: the names of those built-ins that have an answer. Old ones can only be called in old Rego. */
  async function runnerOf(builtins: readonly Declared[], isOld: boolean): Promise<PolicyRunner> {
    if (opa.kind === "missing") throw new Error(opa.reason);
    const [module, archive] = [path.join(folder, "calls.rego"), path.join(folder, "calls.tar.gz")];
    const rules = builtins.map((builtin) => {
      const body = `{\n\tinput.name == "${builtin.name}"\n\t${callOf(builtin)}\n}`;
      return isOld ? `called["${builtin.name}"] ${body}` : `called contains "${builtin.name}" if ${body}`;
    });
    await writeFile(module, ["package calls", ...rules].join("\n\n"));
    const dialect = isOld ? ["--v0-compatible"] : [];
    const build = ["build", ...dialect, "--target", "wasm", "--capabilities", CAPABILITIES];
    for (const [command, args] of [
      [opa.location, [...build, "--entrypoint", "calls/called", "--output", archive, module]],
      ["tar", ["-xzf", archive, "-C", folder, "/policy.wasm"]],
    ] as const) {
      expect(await runCommand(command, args, { timeoutMs: 60_000 })).toMatchObject({ kind: "done" });
    }
    const deps = { builtins: nativeBuiltins(BUILTINS), randomBytes, monotonicMs: () => 0 };
    const compiled = await compilePolicy(await readFile(path.join(folder, "policy.wasm")), WATCHING);
    const runnable = { module: compiled, dataJson: "{}", budget: DEFAULT_BUDGET, redirected: WATCHED_BY_ID };
    return createPolicyRunner(deps, runnable);
  }

  type Met = "answer" | "failure" | "misnamed" | "nothing" | "end";

  function meet(runner: PolicyRunner, { name, isOld }: Declared, given: readonly string[]): Met {
    const text = `{"name": "${name}", "given": [${given.join(", ")}]}`;
    const met = runner.run(runner.entrypoints.get("calls/called") ?? -1, { kind: "rego", text }, 0n);
    // An old one is shown by the name that there is for it today.
    if (!isOld && met.failures.some(({ builtin }) => builtin !== name)) return "misnamed";
    if (met.failures.length > 0) return "failure";
    if (met.kind !== "value" || !(met.value instanceof RegoSet)) return "end";
    return met.value.items.length > 0 ? "answer" : "nothing";
  }

  /** What a call comes to, and by which values it came to that. */
  function allMet(runner: PolicyRunner, builtin: Declared): ReadonlyMap<Met, readonly string[]> {
    let given: readonly (readonly string[])[] = [[]];
    for (let at = 0; at < builtin.operands; at += 1)
      given = given.flatMap((before) => VALUES.map((value) => [...before, value]));
    const texts = given.map((values) => ({ met: meet(runner, builtin, values), text: values.join(", ") }));
    return new Map([...Map.groupBy(texts, ({ met }) => met)].map(([met, of]) => [met, of.map(({ text }) => text)]));
  }

  test.each([
    ["called today", false],
    ["of old Rego", true],
  ])("stands in one list and does what that says, of what is %s", async (_, isOld) => {
    const builtins = declared.filter((one) => one.isOld === isOld);
    const runner = await runnerOf(builtins, isOld);
    const native = builtins.filter(({ name }) => !runner.builtins.includes(name));
    expect(native.length).toBeGreaterThan(isOld ? 4 : 80);
    for (const builtin of native) {
      const { name } = builtin;
      const met = allMet(runner, builtin);
      const quiet = met.get("nothing") ?? [];
      const lists = [INFALLIBLE, WATCHED, UNSEEN].filter((names) => names.has(name));
      expect({ name, lists: lists.length }).toEqual({ name, lists: 1 });
      const want = {
        failures: WATCHED.has(name),
        quiet: UNSEEN.has(name) || name === "max" || name === "min",
      };
      expect({ name, failures: met.has("failure"), quiet: quiet.length > 0 }).toEqual({ name, ...want });
      expect({ name, misnamed: met.get("misnamed") }).toEqual({ name, misnamed: undefined });
      if (WATCHED.has(name)) expect(quiet.filter((text) => text !== "[]")).toEqual([]);
    }
  });

  test("no list names what there is none of", () => {
    const known = new Set([...declared.map(({ name }) => name), ...SYNTAX]);
    expect([...INFALLIBLE, ...WATCHED, ...UNSEEN].filter((name) => !known.has(name))).toEqual([]);
  });
});
