/** Which evaluations an instance outlives. What it is linked from is not compiled again. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { linkedModules } from "../../../test/harness/linked-modules.ts";
import { BUILTINS } from "../builtins/registry.ts";
import { ENTRYPOINTS } from "../bundle.ts";
import { meterFuel } from "./meter-fuel.ts";
import { createPolicyRunner, type PolicyRunner } from "./policy-runner.ts";

const module = new WebAssembly.Module(
  meterFuel(readFileSync(new URL("../../../rego/bundle/policy.wasm", import.meta.url))),
);
const budget = { timeMs: 1_000, memoryMib: 8 };
/** In memory an item of this list takes many times what it takes as text. */
const lists = (count: number) => `{"parsed_path": ["orders"], "parsed_body": [${"[],".repeat(count)}0]}`;

let linked: ReturnType<typeof linkedModules>;
let runner: PolicyRunner;
beforeEach(() => {
  linked = linkedModules();
  const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => 0 };
  runner = createPolicyRunner(deps, { module, dataJson: "{}", budget });
});
afterEach(() => linked.restore());

const kindOf = (text: string) => {
  const entrypoint = runner.entrypoints.get(ENTRYPOINTS.decide) ?? -1;
  return runner.run(entrypoint, { kind: "json", text }, 0n).kind;
};

test.each([
  ["was stopped", lists(400_000), "exceeded"],
  ["grew beyond half of what it may have", lists(40_000), "value"],
])("one that %s is dropped, and the next evaluation has a fresh one", (_, text, kind) => {
  expect(kindOf(lists(1))).toBe("value");
  expect(kindOf(text)).toBe(kind);
  expect(linked.modules).toHaveLength(1);
  expect(kindOf(lists(1))).toBe("value");
  expect(linked.modules).toEqual([module, module]);
});

test("one that only answered is used again, and has forgotten what it was asked", () => {
  for (let count = 0; count < 100; count += 1) expect(kindOf(lists(1_000))).toBe("value");
  expect(linked.modules).toHaveLength(1);
});

test("an input that cannot be read costs the policy nothing, however the reading ends", () => {
  const entrypoint = runner.entrypoints.get(ENTRYPOINTS.decide) ?? -1;
  const run = (text: string) => runner.run(entrypoint, { kind: "json", text }, 0n);
  expect(run("{")).toMatchObject({ kind: "trap", fuelUsed: 0 });
  expect(run("[".repeat(500_000))).toMatchObject({ kind: "exceeded", fuelUsed: 0 });
  expect(run(lists(400_000))).toMatchObject({ kind: "exceeded", fuelUsed: 0 });
  expect(run("{}").fuelUsed).toBeGreaterThan(0);
});
