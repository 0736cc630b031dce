import { expect, test } from "@jest/globals";
import { notAsked } from "./not-asked.ts";

const ref = (...names: readonly string[]) => ({
  type: "ref",
  value: names.map((value, at) => ({ type: at === 0 ? "var" : "string", value })),
});
const rule = (head: string, ...reads: readonly object[]) => ({
  head: { ref: ref(...head.split(".")).value },
  body: reads.map((terms) => ({ terms })),
});
const module = (name: string, rules: readonly object[], imports: readonly object[] = []) => ({
  file: `${name}.rego`,
  ast: { package: { path: ref("data", ...name.split(".")).value }, imports, rules },
});

test("a rule named as a policy's is refused outside of the policies where nobody reads it, whatever of its place the head says", () => {
  for (const [name, head] of [
    ["countersign.policy.wiki", "deny"],
    ["countersign", "deny"],
    ["acme", "wiki.elevate"],
    ["countersign.lib.wiki", "allow"],
  ] as const) {
    expect(notAsked([module(name, [rule(head), rule("other")])])).toEqual([
      expect.stringContaining(`${name}.rego: ${name}.${head} would never be asked`),
    ]);
  }
  expect(notAsked([module("countersign.policies.wiki", [rule("deny")]), module("acme", [rule("denied")])])).toEqual([]);
});

test("a library's is not: read by its whole name, by an import, below a variable, or in its own package; by itself it is refused", () => {
  const library = module("acme.doors", [rule("allow")]);
  const reader = (read: object, imports: readonly object[] = []) =>
    notAsked([library, module("countersign.policies.wiki", [rule("deny", read)], imports)]);
  expect(reader(ref("data", "acme", "doors", "allow"))).toEqual([]);
  expect(reader(ref("doors", "allow"), [{ path: ref("data", "acme", "doors") }])).toEqual([]);
  expect(reader(ref("ours", "allow"), [{ path: ref("data", "acme", "doors"), alias: "ours" }])).toEqual([]);
  const any = { type: "ref", value: [...ref("data", "acme").value, { type: "var", value: "name" }] };
  expect(reader(any)).toEqual([]);
  expect(notAsked([module("acme.doors", [rule("allow"), rule("open", { type: "var", value: "allow" })])])).toEqual([]);
  expect(reader(ref("doors", "allow"))).toHaveLength(1);
  expect(reader(ref("data", "acme", "windows", "allow"))).toHaveLength(1);
});
