import { describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../test/harness/made-bundle.ts";
import { parsedRego } from "../../test/harness/parsed-rego.ts";
import type { ParsedModule } from "./ast.ts";
import { checkPolicies } from "./check-policies.ts";

const terms = (...names: readonly string[]) => names.map((value) => ({ type: "string", value }));

/** A module of one rule, with METADATA in its first line. */
function said(custom: object, { scope = "package", name = "countersign.policies.wiki" } = {}): ParsedModule {
  const rule = { head: { ref: terms("allow"), key: { type: "string", value: "x" } }, body: [] };
  const annotations = [{ scope, custom, location: { row: 1 } }];
  return {
    file: "x.rego",
    ast: { package: { path: terms("data", ...name.split(".")) }, annotations, rules: [rule] },
  };
}

const faults = (...given: Parameters<typeof said>) => checkPolicies([said(...given)]).faults;

test.each([
  ["requires", "incidents", "incidents"],
  ["fallible_calls", "json.unmarshal", "json.unmarshal"],
  ["negated_inputs", "input.context.device", "input.context.device"],
  ["requires", { incidents: true }, "incidents"],
  ["requires", null, "incidents"],
  ["requires", [1], "incidents"],
  ["requires", ["country", ["incidents"]], "incidents"],
])("a %s that is no list of texts (%j) is refused, with what to write; as a list it is not", (key, value, listed) => {
  const [fault = "", ...more] = faults({ [key]: value });
  expect(more).toEqual([]);
  expect(fault.startsWith(`x.rego:1: custom.${key} must be a list of texts, and not ${JSON.stringify(value)};`)).toBe(
    true,
  );
  expect(fault).toMatch(/; write: custom: \{\w+: \[[\w.]+\]\}$/);
  expect(faults({ [key]: [listed] })).toEqual([]);
});

test("a requirement as a list is collected, each once and in order", () => {
  const { requires } = checkPolicies([said({ requires: ["incidents", "country"] }), said({ requires: ["country"] })]);
  expect(requires).toEqual({ wiki: ["country", "incidents"] });
});

test.each([
  ["requires", "incidents"],
  ["fallible_calls", "to_number"],
  ["negated_inputs", "input.context.country"],
])(
  "%s on a rule, a document or subpackages, where nobody reads it, is refused; on a package it is not",
  (key, name) => {
    for (const scope of ["rule", "document", "subpackages"]) {
      expect(faults({ [key]: [name] }, { scope })).toEqual([
        `x.rego:1: custom.${key} is not read with \`scope: ${scope}\`; write it above \`package countersign.policies.wiki\`, with \`scope: package\``,
      ]);
    }
    expect(faults({ [key]: [name] })).toEqual([]);
  },
);

test("a requirement of a package that is no policy is refused, where it was lost; a waiver of one is not", () => {
  for (const name of ["countersign.lib.wiki", "countersign.approval", "countersign", "acme.wiki"]) {
    expect(faults({ requires: ["incidents"] }, { name })).toEqual([
      `x.rego:1: custom.requires is read only of a policy, and ${name} is none; write it in the package below countersign.policies that cannot decide without incidents`,
    ]);
    expect(faults({ fallible_calls: ["to_number"] }, { name })).toEqual([]);
  }
});

test("a requirement of what the context never has is refused, with what it has; each of that may be required", () => {
  const [fault = "", ...more] = faults({ requires: ["incident", "country"] });
  expect(more).toEqual([]);
  expect(fault).toContain('custom.requires names "incident", which input.context never has; it has ');
  const names = /; it has (.*)$/.exec(fault)?.[1] ?? "";
  expect(names).toContain("country, country_database, device, incidents, profile");
  expect(faults({ requires: names.split(", ") })).toEqual([]);
});

test("a key that nobody reads is refused in a package of ours, on whatever it stands; another tool's, and one in a package of another's, is not", () => {
  for (const key of ["require", "negated_input", "fallible-calls", "Requires", "owner"]) {
    for (const scope of ["package", "rule"]) {
      expect(faults({ [key]: ["incidents"] }, { scope })).toEqual([
        expect.stringContaining(
          `custom.${key} is read by nobody: custom has requires, fallible_calls, negated_inputs;`,
        ),
      ]);
      expect(faults({ [`x-${key}`]: ["incidents"] }, { scope })).toEqual([]);
      expect(faults({ [key]: ["incidents"] }, { scope, name: "acme.wiki" })).toEqual([]);
    }
  }
});

((await hasOpa()) ? describe : describe.skip)("as OPA reads METADATA", () => {
  test("a fault has the line of the block that it is in, on a package and on a rule", async () => {
    const block = (scope: string) => `# METADATA\n# scope: ${scope}\n# custom:\n#   requires: incidents\n`;
    const rule = 'allow contains "x" if input.action.name == "GET"\n';
    const text = `${block("package")}package countersign.policies.wiki\n\n${block("rule")}${rule}`;
    expect(checkPolicies(await parsedRego(text)).faults).toEqual([
      expect.stringContaining('0.rego:1: custom.requires must be a list of texts, and not "incidents"'),
      expect.stringContaining("0.rego:7: custom.requires is not read with `scope: rule`"),
    ]);
  });
});
