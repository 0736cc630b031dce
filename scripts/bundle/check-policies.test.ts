import { expect, test } from "@jest/globals";
import { BUILTINS } from "../../core/policy/builtins/registry.ts";
import { UNSEEN, WATCHED } from "../../core/policy/native-builtins.ts";
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

const set = (name: string, ...calls: readonly string[]) => ({
  head: { ref: ref(name), key: { type: "string", value: "r" } },
  body: calls.map((call) => ({ terms: [{ type: "ref", value: ref(...call.split(".")) }] })),
});

test("packages that the composition would pass over are refused", () => {
  expect(checkPolicies([policy(["a", "b"], [set("deny")])]).faults).toEqual([expect.stringContaining("one level")]);
  expect(checkPolicies([policy(["a"], [])]).faults).toEqual([expect.stringContaining("none of")]);
  const single = { head: { ref: ref("deny"), value: { type: "boolean", value: true } } };
  expect(checkPolicies([policy(["a"], [single])]).faults[0]).toContain("must be a set");
});

const inPackage = (path: readonly string[], ...rules: readonly object[]) => ({
  file: "freeze.rego",
  ast: { package: { path: ref("data", ...path) }, rules },
});
const dotted = (head: string) => ({ head: { ref: ref(...head.split(".")), key: { type: "string", value: "frozen" } } });

test("a rule that its head puts among the policies from outside is refused, whatever it is called", () => {
  for (const head of ["policies.freeze.deny", "policies.freeze._part", "policies.deny", "policies"]) {
    const { faults } = checkPolicies([inPackage(["countersign"], dotted(head))]);
    expect(faults).toEqual([
      `freeze.rego: countersign.${head} is not in a package of its own (write: package countersign.policies.NAME)`,
    ]);
  }
  const { faults } = checkPolicies([inPackage(["countersign", "policies"], dotted("freeze.deny"))]);
  expect(faults).toEqual([expect.stringContaining("not exactly one level deep")]);
  expect(checkPolicies([inPackage(["countersign"], dotted("other.deny"), dotted("decision"))]).faults).toEqual([]);
});

test("a rule in the place of the list of required context, which it would hide, is refused", () => {
  for (const [path, head] of [
    [["countersign"], "requires"],
    [["countersign"], "requires.orders"],
    [["countersign", "requires"], "orders"],
  ] as const) {
    expect(checkPolicies([inPackage(path, dotted(head))]).faults).toEqual([
      expect.stringContaining("hides what the build writes"),
    ]);
  }
});

test("what a denial may call is a library wherever it stands, and so is what may be a denial or a refusal of its own", () => {
  const failing = (head: string) => ({ ...set(head, "json.unmarshal"), head: { ref: ref(...head.split(".")) } });
  for (const [path, head] of [
    [["acme", "helpers"], "parsed"],
    [["countersign", "helpers"], "parsed"],
    [["countersign"], "lib.parsed"],
    [["countersign"], "_denials"],
    [["countersign"], "_parsed"],
    [["countersign", "approval"], "_review_refusals"],
    [["countersign", "approval"], "route"],
    [["countersign", "approval", "util"], "parsed"],
  ] as const) {
    const { file, ast } = inPackage(path, failing(head));
    expect(checkPolicies([{ file, ast }]).faults).toEqual([expect.stringContaining(`${head} calls json.unmarshal`)]);
    const waiver = [{ scope: "package", custom: { fallible_calls: ["json.unmarshal"] } }];
    expect(checkPolicies([{ file, ast: { ...ast, annotations: waiver } }]).faults).toEqual([]);
  }
});

test("a native call that can fail unseen is refused in deny, in elevate and beside them, unless it is waived", () => {
  for (const name of ["deny", "elevate", "_part"]) {
    const module = [set("allow"), set(name, "json.unmarshal")];
    expect(checkPolicies([policy(["a"], module)]).faults[0]).toContain("json.unmarshal");
    expect(checkPolicies([policy(["a"], module, { fallible_calls: ["json.unmarshal"] })]).faults).toEqual([]);
  }
  expect(checkPolicies([policy(["a"], [set("allow", "to_number")])]).faults).toEqual([]);
});

test("in allow, such a call is refused where its failure makes the rule hold: behind `not` and in a comprehension", () => {
  const [expression] = set("allow", "net.cidr_contains").body;
  const term = { type: "setcomprehension", value: { term: { type: "var", value: "x" }, body: [expression] } };
  const all = { type: "every", value: term, body: [{ ...expression, negated: true }] };
  for (const part of [{ ...expression, negated: true }, { terms: term }, { terms: all }]) {
    const allow = { ...set("allow"), body: [part] };
    const { faults } = checkPolicies([policy(["a"], [allow])]);
    expect(faults).toEqual([expect.stringContaining("allow has net.cidr_contains behind `not` or in a comprehension")]);
    expect(checkPolicies([policy(["a"], [allow], { fallible_calls: ["net.cidr_contains"] })]).faults).toEqual([]);
  }
  const helped = { ...set("allow", "_trusted"), body: [{ terms: { type: "var", value: "_trusted" }, negated: true }] };
  const faults = checkPolicies([policy(["a"], [helped, set("_trusted", "net.cidr_contains")])]).faults;
  expect(faults).toEqual([expect.stringContaining("_trusted calls net.cidr_contains")]);
});

test("a library that a denial may call is held to the same", () => {
  const library = (custom?: object) => {
    const { ast } = policy(["a"], [set("helper", "net.cidr_contains")], custom);
    return { file: "lib.rego", ast: { ...Object(ast), package: { path: ref("data", "countersign", "lib", "net") } } };
  };
  expect(checkPolicies([library()]).faults).toEqual([expect.stringContaining("helper calls net.cidr_contains")]);
  expect(checkPolicies([library({ fallible_calls: ["net.cidr_contains"] })]).faults).toEqual([]);
});

test.each([...UNSEEN])("%s is refused, with what to write instead, and by its own waiver alone it is not", (name) => {
  const { faults } = checkPolicies([policy(["a"], [set("deny", name)], { fallible_calls: ["time.clock"] })]);
  expect(faults).toEqual([expect.stringContaining(`x.rego: deny calls ${name}, which can fail unseen`)]);
  expect(faults[0]).toContain(`custom: {fallible_calls: [${name}]}`);
  const instead = /; call (\S+), where a failure denies/.exec(faults[0] ?? "")?.[1];
  expect(instead === undefined || BUILTINS.has(instead)).toBe(true);
  expect(checkPolicies([policy(["a"], [set("deny", name)], { fallible_calls: [name] })]).faults).toEqual([]);
});

test("what the host sees fail is not refused: it denies when it does", () => {
  expect(checkPolicies([policy(["a"], [set("deny", ...WATCHED, "time.clock")])]).faults).toEqual([]);
});

test("required context is collected by package", () => {
  const check = checkPolicies([
    policy(["a"], [set("deny")], { requires: ["incidents"] }),
    policy(["b"], [set("deny")]),
  ]);
  expect(check).toEqual({ faults: [], requires: { a: ["incidents"] } });
});
