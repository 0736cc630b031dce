/** Templates (`$"…"`) of the real compiler: which of them the module writes itself, and which the host. What they say is held against OPA in test/conformance/builtins. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../../test/harness/made-bundle.ts";
import { DEFAULT_BUDGET } from "../budget.ts";
import { BUILTINS } from "../builtins/registry.ts";
import { ENTRYPOINTS } from "../bundle.ts";
import { nativeBuiltins, WATCHED_BY_ID, WATCHING } from "../native-builtins.ts";
import { compilePolicy } from "./compile-policy.ts";
import { createPolicyRunner, type PolicyRunner } from "./policy-runner.ts";

const TEMPLATE = "internal.template_string";
const POLICY = `package countersign

decision := $"order {input.x}" if input.case == "text"
decision := $"{input.x}{input.y}" if input.case == "braces"
decision := $"{"a"}{true}{input.x}" if input.case == "constants"
decision := internal.template_string(["one of ", {x | some x in input.list}]) if input.case == "list"
decision := internal.template_string([{x | some x in input.list}]) if input.case == "list alone"
`;

((await hasOpa()) ? describe : describe.skip)("a template", () => {
  let folder: string;
  let runner: PolicyRunner;
  let hostCalls = 0;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "scalar-parts-"));
    await makeBundle(folder, [POLICY, NO_APPROVAL], {});
    const module = await compilePolicy(await readFile(path.join(folder, "policy.wasm")), WATCHING);
    const builtins = new Map(nativeBuiltins(BUILTINS));
    const own = builtins.get(TEMPLATE);
    builtins.set(TEMPLATE, (...given) => {
      hostCalls += 1;
      return own?.(...given);
    });
    const deps = { builtins, randomBytes, monotonicMs: () => 0 };
    runner = createPolicyRunner(deps, { module, dataJson: "{}", budget: DEFAULT_BUDGET, redirected: WATCHED_BY_ID });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function run(input: object) {
    hostCalls = 0;
    const entrypoint = runner.entrypoints.get(ENTRYPOINTS.decide) ?? -1;
    const evaluation = runner.run(entrypoint, { kind: "json", text: JSON.stringify(input) }, 0n);
    const value = evaluation.kind === "value" ? evaluation.value : evaluation.kind;
    return { value, failures: evaluation.failures.map(({ builtin }) => builtin), hostCalls };
  }

  test("with more than one value between two braces is asked of the host, which fails aloud", () => {
    const failed = { value: "undefined", failures: [TEMPLATE], hostCalls: 1 };
    expect(run({ case: "list", list: [1, 2] })).toEqual(failed);
    expect(run({ case: "list alone", list: ["a", "b"] })).toEqual(failed);
  });

  test("with a collection between two braces is written by the host", () => {
    expect(run({ case: "text", x: ["a"] })).toMatchObject({ failures: [], hostCalls: 1 });
    expect(run({ case: "list", list: [{ a: 1 }] })).toMatchObject({ failures: [], hostCalls: 1 });
  });

  test.each([
    [{ case: "text", x: 42 }, "order 42"],
    [{ case: "text", x: "a7" }, "order a7"],
    [{ case: "text" }, "order <undefined>"],
    [{ case: "braces", x: "a", y: null }, "anull"],
    [{ case: "constants", x: false }, "atruefalse"],
    [{ case: "list", list: ["b"] }, "one of b"],
  ])("without one is written by the module, with the texts of the policy in it: %j", (input, want) => {
    expect(run(input)).toEqual({ value: want, failures: [], hostCalls: 0 });
  });
});
