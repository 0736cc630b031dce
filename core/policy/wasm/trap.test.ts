/** A module that traps: a rule's code is replaced by what traps, since no policy that the compiler makes is known to. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../../test/harness/made-bundle.ts";
import { DEFAULT_BUDGET } from "../budget.ts";
import { BUILTINS } from "../builtins/registry.ts";
import { ENTRYPOINTS } from "../bundle.ts";
import { functionsOf } from "./binary/functions.ts";
import { readFunctionNames } from "./binary/names.ts";
import { OP } from "./binary/opcodes.ts";
import { readSections, writeSections } from "./binary/sections.ts";
import { compilePolicy } from "./compile-policy.ts";
import { createPolicyRunner } from "./policy-runner.ts";

const POLICY = `package countersign

decision := "fine" if input.case == "fine"
decision := "broken" if { input.case == "trap"; broken(input.case) }
broken(name) if count(name) == 4
`;

function withTrapIn(wasm: Uint8Array, rule: RegExp): Uint8Array {
  const sections = readSections(wasm);
  const functions = functionsOf(sections);
  const [index = -1] = [...readFunctionNames(sections)].flatMap(([at, name]) => (rule.test(name) ? [at] : []));
  functions.replace(index, Uint8Array.of(0, OP.unreachable, OP.end));
  return writeSections(functions.written());
}

((await hasOpa()) ? test : test.skip)("a trap has no value, and the next evaluation has another instance", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "trap-"));
  await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  await makeBundle(folder, [POLICY, NO_APPROVAL], {});
  const wasm = withTrapIn(await readFile(path.join(folder, "policy.wasm")), /broken$/);
  const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => 0 };
  const runner = createPolicyRunner(deps, {
    module: await compilePolicy(wasm),
    ...{ dataJson: "{}", budget: DEFAULT_BUDGET },
  });
  const run = (name: string) =>
    runner.run(runner.entrypoints.get(ENTRYPOINTS.decide) ?? -1, { kind: "rego", text: `{"case": "${name}"}` }, 0n);
  expect(run("trap")).toMatchObject({ kind: "trap", message: "trapped: unreachable" });
  expect(run("fine")).toMatchObject({ kind: "value", value: "fine" });
});
