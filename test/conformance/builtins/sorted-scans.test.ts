/** Loops of the real compiler over what comes with the input, and how they go. The order of mixed values is held against OPA in compiled-builtins.test.ts. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { field, list } from "../../../scripts/bundle/ast.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { ENTRYPOINTS } from "../../../core/policy/bundle.ts";
import { plainOf } from "../../../core/policy/rego-value/plain.ts";
import { compilePolicy } from "../../../core/policy/wasm/compile-policy.ts";
import { meterFuel } from "../../../core/policy/wasm/meter-fuel.ts";
import { createPolicyRunner, type PolicyRunner } from "../../../core/policy/wasm/policy-runner.ts";

const POLICY = `package countersign

decision := [x | some x in input.set] if input.case == "set"
decision := [[k, v] | some k, v in input.object] if input.case == "object"
decision := [[x, y] | some x in input.set; some y in input.set] if input.case == "nested"
decision := [p | walk(input.object, [p, _])] if input.case == "walk"
decision := sort(input.list) if input.case == "sort"
decision := count({x | some x in input.set; array.concat([x], [1]) != []}) if input.case == "unseen"
decision := count([x | some x in input.set; some y in input.set; x == y]) if input.case == "join"
decision := count([x | some at in input.turns; some x in input.sets[at % 2]; x == at]) if input.case == "in turn"
decision := again if input.case == "again"

numbers := {x | some x in input.list}

groups[name] := {x | some x in members} if some name, members in input.groups

none_above(x) if {
	every y in numbers { count([z | some z in numbers; z > x; z != y]) == 0 }
}

above(x) := found if {
	some y in numbers
	found := [z | some z in numbers; z > y]
	y == x
}

again := {
	"in not, every and a function": [[x, above(x), [y | some y in numbers; not none_above(y); y != x]] |
		some x in numbers
		every z in numbers { count([y | some y in numbers; y != z]) == 4 }
		not none_above(x)
	],
	"of many, one and none": [[name, [x | some x in groups[name]]] | some name in input.names],
	"of constants": [[x, y, z] | some x in {"b", "a", "aa", "ab"}; some y in {300, 2, true, null, 40}; some z in {"y": 1, "x": 2, "z": 3}],
	"of sets and objects": [[x, y] |
		some x in {{3, 1}, {"b": 1, "a": 2}, {2}, {"b": 1, "a": 1}, [2], {1, 3, 2}, set(), {}}
		some y in {{"b": {2, 1}}, {{9, 8}, {7}}, {"a": {3}}, {{9, 6}}}
	],
	"over what stays as it is": [[[x, y] | some x in numbers; some y in numbers], count(numbers), {x | some x in input.list} == numbers,
		[x | some x in input.list; x in numbers], [x | some x in numbers; not x in input.list], numbers - {40}],
}
`;

const AGAIN = {
  ...{ case: "again", list: [500, 3, 40, 1, 2], names: ["many", "one", "more", "none", "many", "more", "more", "one"] },
  groups: { many: [500, 3, 40, 1, 2], more: [7, 600, 41, 9, 8], one: [5], none: [] },
};

/** Four times the usual time. */
const LITTLE_MEMORY = { timeMs: 200, memoryMib: 1 };

const shuffled = (count: number) => Array.from({ length: count }, (_, at) => (at * 7_919) % 10_007);

((await hasOpa()) ? describe : describe.skip)("a loop of a policy", () => {
  let folder: string;
  let asItCame: PolicyRunner;
  let runner: PolicyRunner;
  let inLittleMemory: { readonly asItCame: PolicyRunner; readonly runner: PolicyRunner };
  let again: unknown;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "sorted-scans-"));
    await makeBundle(folder, [POLICY, NO_APPROVAL], {});
    const wasm = await readFile(path.join(folder, "policy.wasm"));
    const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => 0 };
    const runnerOf = (module: WebAssembly.Module, budget = DEFAULT_BUDGET) =>
      createPolicyRunner(deps, { module, dataJson: "{}", budget });
    const [before, module] = [await WebAssembly.compile(Uint8Array.from(meterFuel(wasm))), await compilePolicy(wasm)];
    [asItCame, runner] = [runnerOf(before), runnerOf(module)];
    inLittleMemory = { asItCame: runnerOf(before, LITTLE_MEMORY), runner: runnerOf(module, LITTLE_MEMORY) };
    again = await byOpa("again", AGAIN);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function run(text: string, by = runner) {
    const evaluation = by.run(by.entrypoints.get(ENTRYPOINTS.decide) ?? -1, { kind: "rego", text }, 0n);
    if (evaluation.kind !== "value") throw new Error(evaluation.kind);
    return { value: plainOf(evaluation.value), fuelUsed: evaluation.fuelUsed };
  }
  /** What its own evaluator says of a rule. */
  async function byOpa(rule: string, input: object): Promise<unknown> {
    const opa = await resolveTool("opa");
    if (opa.kind === "missing") throw new Error(opa.reason);
    const file = path.join(folder, "input.json");
    await writeFile(file, JSON.stringify(input));
    const policy = path.join(folder, "0.rego");
    const query = ["eval", "--format", "raw", "--data", policy, "--input", file, `data.countersign.${rule}`];
    const result = await runCommand(opa.location, query, { timeoutMs: 60_000 });
    if (result.kind === "failed") throw new Error(result.message);
    return JSON.parse(result.output);
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

  test.each([
    ...["in not, every and a function", "of many, one and none", "of constants", "of sets and objects"],
    "over what stays as it is",
  ])("that is entered again goes in the order of OPA: %s", (name) => {
    const want = field(again, name);
    expect(list(want).length).toBeGreaterThan(1);
    expect(field(run(JSON.stringify(AGAIN)).value, name)).toEqual(want);
    expect(field(run(JSON.stringify(AGAIN), asItCame).value, name)).not.toEqual(want);
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

  test("of 1,000 inside one of 1,000 sorts once, in no more fuel than it took and in one MiB", () => {
    const text = `{"case": "join", "set": ${setOf(shuffled(1_000))}}`;
    const { value, fuelUsed } = run(text, inLittleMemory.runner);
    expect(value).toBe(1_000);
    expect(fuelUsed).toBeLessThan(run(text, inLittleMemory.asItCame).fuelUsed);
  });

  test("over one set and another in turn sorts each time, and needs no more memory for it", () => {
    const sets = [0, 1].map((odd) => setOf(shuffled(2_000).filter((item) => item % 2 === odd)));
    const text = `{"case": "in turn", "sets": [${sets.join(", ")}], "turns": ${JSON.stringify(shuffled(300))}}`;
    expect(run(text, inLittleMemory.runner).value).toBe(run(text, inLittleMemory.asItCame).value);
  });

  test("sorts four times as many for less than six times the fuel, as does `sort`", () => {
    const costs = (kind: string, count: number) => {
      const [set, list] = [setOf(shuffled(count)), JSON.stringify(shuffled(count))];
      return run(`{"case": "${kind}", "set": ${set}, "list": ${list}}`).fuelUsed;
    };
    for (const kind of ["set", "sort"]) expect(costs(kind, 4_000)).toBeLessThan(6 * costs(kind, 1_000));
  });
});
