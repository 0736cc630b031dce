/** Of every form that the head of a rule in a policy can have: it is asked, or the build refuses it. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../test/harness/made-bundle.ts";
import { parsedRego } from "../../test/harness/parsed-rego.ts";
import type { ParsedModule } from "./ast.ts";
import { checkPolicies } from "./check-policies.ts";
import { notAsked } from "./not-asked.ts";

const ALLOWS = 'allow contains "read" if input.action.name == "GET"';
/** Goes through all policies, as the composition does without the build, and reads one as a whole. */
const COMPOSES = `package countersign

_denials contains reason if some reason in data.countersign.policies[_].deny

_whole := data.countersign.policies.wiki
`;
const IN_WIKI = "package countersign.policies.wiki\n\nimport data.acme.doors\n\n";

((await hasOpa()) ? describe : describe.skip)("a rule of a policy", () => {
  let composes: readonly ParsedModule[];
  beforeAll(async () => {
    composes = await parsedRego(COMPOSES);
  });

  async function faults(rules: string, text = `${IN_WIKI}${ALLOWS}\n\n${rules}\n`): Promise<readonly string[]> {
    const modules = [...(await parsedRego(text)), ...composes];
    return [...checkPolicies(modules).faults, ...notAsked(modules)];
  }

  test.each([
    ['writes.deny contains "x" if input.action.name == "PUT"', "writes.deny", "deny"],
    ['writes["deny"] contains "x" if input.action.name == "PUT"', "writes.deny", "deny"],
    ['by.method.allow contains "x" if input.action.name == "PUT"', "by.method.allow", "allow"],
    ["writes.elevate := {1}", "writes.elevate", "elevate"],
    ["default writes.allow := false", "writes.allow", "allow"],
    ['writes.deny(x) if x == "PUT"', "writes.deny", "deny"],
    ['writes.deny["x"] if input.action.name == "PUT"', "writes.deny.x", "deny"],
    ['writes[kind].deny contains "x" if some kind in ["a"]', "writes.kind.deny", "deny"],
  ])("is refused below another name, where nobody would ask it: %s", async (rule, head, set) => {
    expect(await faults(rule)).toEqual([
      `0.rego: countersign.policies.wiki.${head} would never be asked: of a policy, only what stands below no other name is, and no other rule reads it; write: ${set} contains … if …; or, in a helper, give it another name or take it out`,
    ]);
  });

  test.each([
    'deny.foo contains "x" if input.action.name == "PUT"',
    "allow.read := true",
    'allow["read"] if input.action.name == "PUT"',
    'deny[x] := 1 if some x in ["PUT"]',
    "default deny := set()",
    'elevate := {"x"}',
    'deny(x) if x == "PUT"',
    'deny if input.action.name == "PUT"',
  ])("is refused with the name of a set where it is none: %s", async (rule) => {
    expect(await faults(rule)).toEqual([
      expect.stringMatching(/must be a set \(write: (deny|elevate|allow) contains … if …\)$/),
    ]);
  });

  test("is refused in a package below a policy, and in the package of all policies", async () => {
    const rule = 'deny contains "x" if input.action.name == "PUT"\n';
    for (const text of [
      `package countersign.policies.wiki.writes\n\n${rule}`,
      `package countersign.policies\n\nwiki.${rule}`,
    ]) {
      expect(await faults("", text)).toEqual([expect.stringContaining("is not exactly one level deep")]);
    }
  });

  test.each([
    'deny contains "x" if input.action.name == "PUT"',
    'response.headers.allow := "GET" if input.action.name == "PUT"',
    'writes.denied contains "x" if input.action.name == "PUT"\n\ndeny contains x if some x in writes.denied',
    'writes.deny contains "x" if input.action.name == "PUT"\n\ndeny contains x if some x in writes.deny',
    'writes.deny contains "x" if input.action.name == "PUT"\n\ndeny contains x if some x in data.countersign.policies.wiki.writes.deny',
    '_denials contains "x" if input.action.name == "PUT"',
    'writes[deny] contains "x" if some deny in ["a"]',
    "deny contains x if some x in doors.deny",
  ])("is not refused where it is asked, or a helper of one that is: %s", async (rule) => {
    expect(await faults(rule)).toEqual([]);
  });
});
