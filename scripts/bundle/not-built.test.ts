import { expect, test } from "@jest/globals";
import { notBuilt } from "./not-built.ts";

const ref = (...names: readonly string[]): object[] => names.map((value) => ({ type: "string", value }));

function named(file: string, path: readonly string[], head: string): { file: string; ast: unknown } {
  const rules = [{ head: { ref: ref("test_something") } }, { head: { ref: ref(...head.split(".")) } }];
  return { file, ast: { package: { path: ref("data", ...path) }, rules } };
}

test("a policy whose file is one of tests by its name, and data, are told of: neither comes into the bundle", () => {
  expect(notBuilt([named("policies/load_test.rego", ["countersign", "policies", "load"], "deny")], [])).toEqual([
    expect.stringContaining("policies/load_test.rego: countersign.policies.load.deny stands in a file of tests"),
  ]);
  expect(notBuilt([named("x_test.rego", ["countersign"], "policies.load.deny")], [])).toHaveLength(1);
  expect(notBuilt([], ["policies/blocked.json"])).toEqual([
    expect.stringContaining("policies/blocked.json: data does not"),
  ]);
});

test("tests as they are written everywhere are nothing to tell of", () => {
  expect(notBuilt([named("a_test.rego", ["countersign", "policies", "load"], "_call")], [])).toEqual([]);
  expect(notBuilt([named("a_test.rego", ["countersign", "policies_test"], "deny")], [])).toEqual([]);
});
