/** Where the build refuses `not` before what may be absent, and what it says. */
import { describe, expect, test } from "@jest/globals";
import { checkPolicies } from "./check-policies.ts";
import { negatedInputs } from "./negated-inputs.ts";
import { placedRules, rulesIn } from "./places.ts";

describe("the build check", () => {
  const text = (value: string) => ({ type: "string", value });
  const country = { type: "ref", value: [{ type: "var", value: "input" }, text("context"), text("country")] };
  const member = { type: "ref", value: [{ type: "var", value: "internal" }, text("member_2")] };
  const negated = { negated: true, terms: [member, country, { type: "var", value: "_trusted" }] };
  const module = (area: string, name: string, custom: object = {}) => ({
    file: "x.rego",
    ast: {
      package: { path: ["data", "countersign", area, "x"].map(text) },
      annotations: [{ scope: "package", custom }],
      rules: [
        { head: { ref: [text("deny")], key: text("other") }, body: [] },
        { head: { ref: [text(name)], key: text("r") }, body: [negated] },
      ],
    },
  });

  test.each(["deny", "elevate", "_part"])("refuses it in %s, and says what to write instead", (name) => {
    const [fault = "", ...more] = checkPolicies([module("policies", name)]).faults;
    expect(more).toEqual([]);
    expect(fault).toContain(`x.rego: ${name} has \`not\` before in of input.context.country, which may be absent`);
    expect(fault).toContain("_trusted if … input.context.country …");
    expect(fault).toContain("custom: {negated_inputs: [input.context.country]}");
  });

  test("refuses it in a library, and in a comprehension or every inside a rule", () => {
    expect(checkPolicies([module("lib", "helper")]).faults).toHaveLength(1);
    const inside = { terms: { type: "setcomprehension", value: { body: [negated] } } };
    const rule = { head: { ref: [text("deny")], key: text("r") }, body: [inside] };
    const [placed] = placedRules([{ file: "x.rego", ast: { rules: [rule] } }]);
    if (placed === undefined) throw new Error("there is one rule");
    expect(negatedInputs(placed, rulesIn([placed]))).toEqual([
      { kind: "negated", name: "input.context.country", call: "in" },
    ]);
  });

  test("refuses it among the reasons why somebody may not review, by what the input of approval always has", () => {
    const of = (...names: readonly string[]) => {
      const given = { type: "ref", value: [{ type: "var", value: "input" }, ...names.map(text)] };
      const rule = { head: { ref: [text("_review_refusals")], key: text("r") } };
      const body = [{ negated: true, terms: [member, text("managers"), given] }];
      const path = ["data", "countersign", "approval"].map(text);
      return { file: "own.rego", ast: { package: { path }, rules: [{ ...rule, body }] } };
    };
    expect(checkPolicies([of("reviewer", "groups")]).faults).toEqual([]);
    expect(checkPolicies([of("reviewer", "claims", "teams")]).faults).toEqual([
      expect.stringContaining("_review_refusals has `not` before in of input.reviewer.claims.teams"),
    ]);
    expect(checkPolicies([of("subject", "properties", "groups")]).faults).toHaveLength(1);
  });

  test("lets it be in allow, and where it is waived by its name", () => {
    expect(checkPolicies([module("policies", "allow")]).faults).toEqual([]);
    const waiver = { negated_inputs: ["input.context.country"] };
    expect(checkPolicies([module("policies", "deny", waiver)]).faults).toEqual([]);
    expect(
      checkPolicies([module("policies", "deny", { negated_inputs: ["input.context.device"] })]).faults,
    ).toHaveLength(1);
  });
});
