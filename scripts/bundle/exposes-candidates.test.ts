/** The same of whole bundles: test/integration/bundles/built-searches.test.ts. */
import { expect, test } from "@jest/globals";
import { exposesCandidates } from "./check-policies.ts";

const module = (path: string, ...rules: readonly string[]) => ({
  file: "x.rego",
  ast: {
    package: { path: ["data", ...path.split(".")].map((value) => ({ type: "string", value })) },
    rules: rules.map((name) => ({ head: { ref: name.split(".").map((value) => ({ type: "var", value })) } })),
  },
});

test("what a search asks for is a rule `candidates` of package countersign: none of that name elsewhere, and no other there", () => {
  expect(exposesCandidates([])).toBe(false);
  for (const path of ["countersign.policies.files", "countersign.lib", "candidates", "acme.countersign"])
    expect(exposesCandidates([module(path, "candidates"), module("countersign", "decision")])).toBe(false);
  expect(exposesCandidates([module("countersign", "candidate", "_candidates")])).toBe(false);
  expect(exposesCandidates([module("countersign.lib", "x"), module("countersign", "decision", "candidates")])).toBe(
    true,
  );
});

test("it may stand in parts: below its name, and in a package of that name", () => {
  expect(exposesCandidates([module("countersign", "candidate.candidates", "other.candidates")])).toBe(false);
  expect(exposesCandidates([module("countersign", "candidates.resources")])).toBe(true);
  expect(exposesCandidates([module("countersign.candidates", "resources")])).toBe(true);
});
