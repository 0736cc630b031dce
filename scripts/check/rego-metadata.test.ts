import { expect, test } from "@jest/globals";
import { missingMetadata } from "./rego-metadata.ts";

const ref = (...names: readonly string[]) => names.map((value) => ({ type: "string", value }));
const file = (rules: readonly object[], annotations: readonly object[] = [{ scope: "package", title: "A" }]) => ({
  file: "a.rego",
  ast: { package: { path: ref("data", "a") }, annotations, rules },
});
const rule = (name: string, ...annotations: readonly object[]) => ({ head: { ref: ref(name) }, annotations });

test("a package that nobody described is named, once for all its files", () => {
  expect(missingMetadata([file([], []), file([], [{ scope: "rule", title: "A" }])])).toEqual([
    "a.rego: package data.a has no METADATA with a title and scope: package",
  ]);
  expect(missingMetadata([file([], []), file([])])).toEqual([]);
});

test("a public rule without a title is named, a private one is not", () => {
  const bare = "a.rego: allow has no METADATA with a title";
  expect(missingMetadata([file([rule("allow"), rule("_allow")])])).toEqual([bare]);
  expect(missingMetadata([file([rule("allow", { scope: "rule", description: "no title" })])])).toEqual([bare]);
  expect(missingMetadata([file([rule("allow", { scope: "rule", title: "Why" }), rule("allow")])])).toEqual([]);
});
