import { expect, test } from "@jest/globals";
import { checkPolicies } from "./check-policies.ts";

const ref = (...names: readonly string[]): object[] => names.map((value) => ({ type: "string", value }));

function policy(name: readonly string[], rules: readonly object[], custom?: object): { file: string; ast: unknown } {
  return {
    file: "x.rego",
    ast: {
      package: { path: ref("data", "countersign", "policies", ...name) },
      annotations: custom === undefined ? [] : [{ scope: "package", custom }],
      rules,
    },
  };
}

const set = (name: string, ...calls: readonly string[]): object => ({
  head: { ref: ref(name), key: { type: "string", value: "r" } },
  body: calls.map((call) => ({ terms: [{ type: "ref", value: ref(...call.split(".")) }] })),
});

test("packages that the composition would pass over are refused", () => {
  expect(checkPolicies([policy(["a", "b"], [set("deny")])]).faults).toEqual([expect.stringContaining("one level")]);
  expect(checkPolicies([policy(["a"], [])]).faults).toEqual([expect.stringContaining("none of")]);
  const single = { head: { ref: ref("deny"), value: { type: "boolean", value: true } } };
  expect(checkPolicies([policy(["a"], [single])]).faults[0]).toContain("must be a set");
});

test("a native call that can fail unseen is refused in deny, in elevate and beside them, unless it is waived", () => {
  for (const name of ["deny", "elevate", "_part"]) {
    const module = [set("allow"), set(name, "json.unmarshal")];
    expect(checkPolicies([policy(["a"], module)]).faults[0]).toContain("json.unmarshal");
    expect(checkPolicies([policy(["a"], module, { fallible_calls: ["json.unmarshal"] })]).faults).toEqual([]);
  }
  expect(checkPolicies([policy(["a"], [set("allow", "to_number")])]).faults).toEqual([]);
});

test("required context is collected by package", () => {
  const check = checkPolicies([
    policy(["a"], [set("deny")], { requires: ["incidents"] }),
    policy(["b"], [set("deny")]),
  ]);
  expect(check).toEqual({ faults: [], requires: { a: ["incidents"] } });
});
