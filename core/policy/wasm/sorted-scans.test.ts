/** Loops of the real compiler over what comes with the input, and how they go. The order of mixed values is held against OPA in test/conformance/builtins. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../../test/harness/made-bundle.ts";
import { DEFAULT_BUDGET } from "../budget.ts";
import { BUILTINS } from "../builtins/registry.ts";
import { ENTRYPOINTS } from "../bundle.ts";
import { plainOf } from "../rego-value/plain.ts";
import { compilePolicy } from "./compile-policy.ts";
import { meterFuel } from "./meter-fuel.ts";
import { createPolicyRunner, type PolicyRunner } from "./policy-runner.ts";

const POLICY = `package countersign

decision := [x | some x in input.set] if input.case == "set"
decision := [[k, v] | some k, v in input.object] if input.case == "object"
decision := [[x, y] | some x in input.set; some y in input.set] if input.case == "nested"
decision := [p | walk(input.object, [p, _])] if input.case == "walk"
decision := sort(input.list) if input.case == "sort"
decision := count({x | some x in input.set; array.concat([x], [1]) != []}) if input.case == "unseen"
`;

const shuffled = (count: number) => Array.from({ length: count }, (_, at) => (at * 7_919) % 10_007);

((await hasOpa()) ? describe : describe.skip)("a loop of a policy", () => {
  let folder: string;
  let asItCame: PolicyRunner;
  let runner: PolicyRunner;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "sorted-scans-"));
    await makeBundle(folder, [POLICY, NO_APPROVAL], {});
    const wasm = await readFile(path.join(folder, "policy.wasm"));
    const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => 0 };
    const runnerOf = (module: WebAssembly.Module) =>
      createPolicyRunner(deps, { module, dataJson: "{}", budget: DEFAULT_BUDGET });
    asItCame = runnerOf(await WebAssembly.compile(Uint8Array.from(meterFuel(wasm))));
    runner = runnerOf(await compilePolicy(wasm));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function run(text: string, by = runner) {
    const evaluation = by.run(by.entrypoints.get(ENTRYPOINTS.decide) ?? -1, { kind: "rego", text }, 0n);
    if (evaluation.kind !== "value") throw new Error(evaluation.kind);
    return { value: plainOf(evaluation.value), fuelUsed: evaluation.fuelUsed };
  }
  const setOf = (items: readonly number[]) => (items.length === 0 ? "set()" : `{${items.join(", ")}}`);

  test("goes in no order of a hash table where an array shows it, however many there are", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { maxLength: 70 }), (items) => {
        const inOrder = items.toSorted((a, b) => a - b);
        expect(run(`{"case": "set", "set": ${setOf(items)}}`).value).toEqual(inOrder);
      }),
    );
    const many = shuffled(3_000);
    expect(run(`{"case": "set", "set": ${setOf(many)}}`).value).toEqual(many.toSorted((a, b) => a - b));
    expect(run(`{"case": "set", "set": ${setOf(many)}}`, asItCame).value).not.toEqual(many.toSorted((a, b) => a - b));
  });

  test("inside another one begins anew each time, and neither loses its place", () => {
    const pairs = [1, 2, 3, 40, 500].flatMap((x) => [1, 2, 3, 40, 500].map((y) => [x, y]));
    expect(run('{"case": "nested", "set": {500, 3, 40, 1, 2}}').value).toEqual(pairs);
  });

  test("goes over an object by its keys, and walks through one so", () => {
    const object = '{"b": {"d": 1, "c": {"y", "x"}}, "a": [0, 1], "aa": 2}';
    expect(run(`{"case": "object", "object": ${object}}`).value).toEqual([
      ...[
        ["a", [0, 1]],
        ["aa", 2],
      ],
      ["b", { c: ["x", "y"], d: 1 }],
    ]);
    expect(run(`{"case": "walk", "object": ${object}}`).value).toEqual([
      ...[[], ["a"], ["a", 0], ["a", 1], ["aa"]],
      ...[["b"], ["b", "c"], ["b", "c", "x"], ["b", "c", "y"], ["b", "d"]],
    ]);
  });

  test("of which nobody sees the order costs what it did, an array of its own notwithstanding", () => {
    const text = `{"case": "unseen", "set": ${setOf(shuffled(500))}}`;
    const { value, fuelUsed } = run(text);
    expect(value).toBe(500);
    expect(fuelUsed).toBeLessThan(1.01 * run(text, asItCame).fuelUsed);
  });

  test("sorts four times as many for less than six times the fuel, as does `sort`", () => {
    const costs = (kind: string, count: number) => {
      const [set, list] = [setOf(shuffled(count)), JSON.stringify(shuffled(count))];
      return run(`{"case": "${kind}", "set": ${set}, "list": ${list}}`).fuelUsed;
    };
    for (const kind of ["set", "sort"]) expect(costs(kind, 4_000)).toBeLessThan(6 * costs(kind, 1_000));
  });
});
