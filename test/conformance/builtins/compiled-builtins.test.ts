/**
 * The built-ins that OPA compiles into a module, by odd values, against OPA itself: natively and in compatibility mode every answer is OPA's,
 * but for what told-differences.ts tells. An error of OPA's is an undefined rule, and a denial natively.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { nativeBuiltins, WATCHED_BY_ID, WATCHING } from "../../../core/policy/native-builtins.ts";
import { OPA_ANSWERS, OPA_ANSWERS_BY_ID, OPA_REDIRECTIONS } from "../../../core/policy/opa-answers.ts";
import { equalRego } from "../../../core/policy/rego-value/order.ts";
import { parseValue } from "../../../core/policy/rego-value/parse.ts";
import { isRegoArray, type RegoValue } from "../../../core/policy/rego-value/value.ts";
import { writeRego } from "../../../core/policy/rego-value/write.ts";
import { compilePolicy } from "../../../core/policy/wasm/compile-policy.ts";
import { createPolicyRunner, type PolicyRunner } from "../../../core/policy/wasm/policy-runner.ts";
import { field, list } from "../../../scripts/bundle/ast.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { builtinCall } from "../../harness/run-builtin.ts";
import { argumentsOf, type Call, CAPABILITIES, declaredCalls, everythingAsked, moduleOf } from "./compiled-calls.ts";
import { type Kind, TOLD } from "./told-differences.ts";

const PATIENCE_MS = 120_000;
jest.setTimeout(PATIENCE_MS);

const MODES = {
  native: { redirections: WATCHING, builtins: nativeBuiltins(BUILTINS), redirected: WATCHED_BY_ID },
  compat: {
    ...{ redirections: OPA_REDIRECTIONS, redirected: OPA_ANSWERS_BY_ID },
    builtins: new Map([...BUILTINS, ...OPA_ANSWERS]),
  },
} as const;
type Mode = keyof typeof MODES;
/** What Rego v1 refuses is asked of a module of Rego v0. */
type Part = {
  readonly wasm: Uint8Array;
  readonly asked: ReadonlyMap<Call, readonly (readonly string[])[]>;
  /** Of OPA, by key and place. */
  readonly said: ReadonlyMap<string, ReadonlyMap<number, string>>;
};

const opa = await resolveTool("opa");

(opa.kind === "found" ? describe : describe.skip)("what OPA compiles into a module", () => {
  let folder: string;
  let parts: readonly Part[];

  async function run(command: string, ...args: readonly string[]): Promise<string> {
    const result = await runCommand(command, args, { timeoutMs: PATIENCE_MS, cwd: folder });
    if (result.kind === "failed") throw new Error(result.message);
    return result.output;
  }

  async function compiled(location: string, calls: readonly Call[], flags: readonly string[]): Promise<Uint8Array> {
    await writeFile(path.join(folder, "calls.rego"), moduleOf(calls));
    const entrypoints = calls.flatMap(({ key }) => ["--entrypoint", `calls/${key}`]);
    const build = ["build", "--target", "wasm", "--capabilities", CAPABILITIES, "--output", "calls.tar.gz"];
    await run(location, ...build, ...flags, ...entrypoints, "calls.rego");
    await run("tar", "-xzf", "calls.tar.gz", "/policy.wasm");
    return readFile(path.join(folder, "policy.wasm"));
  }

  async function runnerOf(bytes: Uint8Array, mode: Mode): Promise<PolicyRunner> {
    const { redirections, builtins, redirected } = MODES[mode];
    const module = await compilePolicy(bytes, redirections);
    const runnable = { module, dataJson: "{}", budget: DEFAULT_BUDGET, redirected };
    return createPolicyRunner({ builtins, randomBytes, monotonicMs: () => 0 }, runnable);
  }

  async function partOf(location: string, deprecated: boolean): Promise<Part> {
    const flags = deprecated ? ["--v0-compatible"] : [];
    const declared = await declaredCalls(deprecated);
    const { builtins } = await runnerOf(await compiled(location, declared, flags), "native");
    const calls = declared.filter(({ name }) => !builtins.includes(name));
    const asked = new Map(calls.map((call) => [call, argumentsOf(call)]));
    await writeFile(path.join(folder, "asked.rego"), everythingAsked(asked));
    const answers: unknown = JSON.parse(
      await run(location, "eval", ...flags, "--data", "asked.rego", "--format", "raw", "data.calls.said"),
    );
    const said = new Map(calls.map(({ key }) => [key, answersOf(field(answers, key))]));
    return { wasm: await compiled(location, calls, flags), asked, said };
  }

  beforeAll(async () => {
    if (opa.kind === "missing") return;
    folder = await mkdtemp(path.join(tmpdir(), "compiled-builtins-"));
    parts = [await partOf(opa.location, false), await partOf(opa.location, true)];
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function differences(
    { asked, said }: Part,
    runner: PolicyRunner,
    call: Call,
    mode: Mode,
  ): readonly { kind: Kind; text: string }[] {
    const entrypoint = runner.entrypoints.get(`calls/${call.key}`) ?? -1;
    return (asked.get(call) ?? []).flatMap((given, at) => {
      const met = runner.run(entrypoint, { kind: "rego", text: `{"given": [${given.join(", ")}]}` }, 0n);
      const isDenied = mode === "native" && met.failures.length > 0;
      const got = met.kind === "value" && !isDenied ? met.value : undefined;
      const text = said.get(call.key)?.get(at);
      const kind = kindOf(got, text);
      if (kind === undefined) return [];
      const ours = got === undefined ? met.kind : writeRego(got);
      return [{ kind, text: `${call.name}(${given.join(", ")}): ${ours}, OPA: ${text ?? "undefined"}` }];
    });
  }

  test("is asked a good deal", () => {
    const names = parts.map(({ asked }) => [...asked.keys()].map(({ name }) => name));
    expect(names[0]?.length).toBeGreaterThan(90);
    expect(names[1]).toEqual(["all", "any", "net.cidr_overlap", "re_match", "set_diff"]);
    for (const { asked, said } of parts)
      expect([...asked.keys()].filter(({ key }) => said.get(key)?.size === 0).map(({ name }) => name)).toEqual([]);
  });

  test.each(["native", "compat"] as const)("answers as OPA does, or it is told why not: %s", async (mode) => {
    const told = TOLD.filter((one) => one.mode === mode || one.mode === "both");
    const met = new Set<unknown>();
    const untold: string[] = [];
    for (const part of parts) {
      const runner = await runnerOf(part.wasm, mode);
      for (const call of part.asked.keys()) {
        for (const { kind, text } of differences(part, runner, call, mode)) {
          const why = told.find((one) => one.kind === kind && one.names.includes(call.name));
          if (why === undefined) untold.push(`${kind}: ${text.slice(0, 300)}`);
          else met.add(why);
        }
      }
    }
    expect(untold).toEqual([]);
    expect(told.filter((one) => !met.has(one))).toEqual([]);
  });
});

function answersOf(answers: unknown): ReadonlyMap<number, string> {
  return new Map(list(answers).map((answer) => [Number(list(answer)[0]), String(list(answer)[1])]));
}

function kindOf(got: RegoValue | undefined, text: string | undefined): Kind | undefined {
  if (text === undefined) return got === undefined ? undefined : "answer";
  if (got === undefined) return "none";
  const want = valueOf(text);
  if (writeRego(got) === writeRego(want)) return undefined;
  return equalRego(got, want) ? "digits" : "other";
}

const ALONE = /^\[([+-]?[\d.][\d.eE+-]*)\]$/;
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const GO_STRING = /"(?:[^"\\]|\\.)*"/gs;
const GO_ESCAPE = /\\(x[0-9a-f]{2}|U[0-9a-f]{8}|u[0-9a-f]{4}|.)/gs;
const OTHER_LETTERS: ReadonlyMap<string, string> = new Map([
  ["a", String.raw`\u0007`],
  ["v", String.raw`\u000b`],
]);

/** The one item of an array that OPA wrote, with its strings as Go quotes them, and numbers (`+5`) that JSON cannot say as ours. */
function valueOf(text: string): RegoValue {
  const number = ALONE.exec(text)?.[1];
  if (number !== undefined && !JSON_NUMBER.test(number))
    return OPA_ANSWERS.get("to_number")?.([number], builtinCall) ?? null;
  const rego = text.replace(GO_STRING, (quoted) =>
    quoted.replace(GO_ESCAPE, (escape, code: string) => {
      const point = Number.parseInt(code.slice(1), 16);
      if (/^x[89a-f]/.test(code)) return String.fromCharCode(0xdc00 + point);
      if (code.startsWith("x")) return `\\u00${code.slice(1)}`;
      return /^U./.test(code) ? String.fromCodePoint(point) : (OTHER_LETTERS.get(code) ?? escape);
    }),
  );
  const value = parseValue(rego, "rego");
  return isRegoArray(value) ? (value[0] ?? null) : value;
}
