import { describe, expect, test } from "@jest/globals";
import { NO_RESPONSE_FIELDS, type Verdict } from "../../../core/domain/decision.ts";
import { ELEVATION_DEFAULTS, type Elevation } from "../../../core/domain/elevation.ts";
import { durationMs } from "../../../core/domain/time.ts";
import { differencesBetween } from "./compare-verdicts.ts";

const response = NO_RESPONSE_FIELDS;
const allow: Verdict = { kind: "allow", reasons: ["read", "owner"], response };
const denied: Verdict = { kind: "deny", reasons: ["read"], response };
const broken: Verdict = { kind: "fault", reason: "policy_error", detail: "to_number: not a number" };
const elevation: Elevation = {
  ...{ entitlement: "refund", scope: "order/7", title: "Refund", display: [], approversHint: "", bindHeaders: [] },
  ...{ risk: "high", binding: "exact", maxUses: 1, maxDuration: durationMs(60_000) },
  justification: ELEVATION_DEFAULTS.justification,
};
const elevates = (changes: Partial<Elevation> = {}): Verdict => ({
  kind: "elevate",
  elevations: [{ ...elevation, ...changes }],
  response,
});
const withHeaders = (...headers: (readonly [string, string])[]): Verdict => ({
  ...{ kind: "allow", reasons: ["read", "owner"] },
  response: { ...response, headers },
});

describe("no difference", () => {
  test.each<[string, Verdict, Verdict]>([
    ["the same", allow, { ...allow }],
    ["the same reasons in another order", allow, { kind: "allow", reasons: ["owner", "read"], response }],
    ["the same elevation", elevates(), elevates()],
    ["the same fault, told otherwise", broken, { ...broken, detail: "to_number: empty" }],
    ["the same headers in another order", withHeaders(["a", "1"], ["b", "2"]), withHeaders(["b", "2"], ["a", "1"])],
  ])("%s", (_, one, other) => {
    expect(differencesBetween(one, other)).toEqual([]);
  });
});

describe("a difference", () => {
  test.each<[string, Verdict, Verdict, readonly string[]]>([
    ["another outcome, and no more is said", allow, denied, ["outcome"]],
    ["an allow that would be an elevation", allow, elevates(), ["outcome"]],
    ["one that cannot be evaluated", allow, broken, ["fault"]],
    ["another fault", broken, { ...broken, reason: "policy_budget_exceeded" }, ["fault"]],
    ["a reason more", denied, { ...denied, reasons: ["read", "night"] }, ["reasons"]],
    ["another scope", elevates(), elevates({ scope: "order/8" }), ["elevations"]],
    ["a longer grant", elevates(), elevates({ maxDuration: durationMs(120_000) }), ["elevations"]],
    ["a header more", allow, withHeaders(["x-user", "dana"]), ["response"]],
    ["reasons and headers", { ...allow, reasons: ["read"] }, withHeaders(["x-user", "dana"]), ["reasons", "response"]],
  ])("%s", (_, one, other, differences) => {
    expect(differencesBetween(one, other)).toEqual(differences);
    expect(differencesBetween(other, one)).toEqual(differences);
  });
});
