import { describe, expect, test } from "@jest/globals";
import { NO_RESPONSE_FIELDS, type Verdict } from "../../domain/decision.ts";
import { ELEVATION_DEFAULTS, type Elevation } from "../../domain/elevation.ts";
import { durationMs } from "../../domain/time.ts";
import { type CompatResult, compatResult } from "../compat-result.ts";
import { parseValue } from "../rego-value/parse.ts";
import { differencesBetween } from "./differences.ts";
import { type Said, statementOf } from "./said.ts";

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
/** As the policy of the plugin says it. */
const result = (json: string): CompatResult => compatResult(parseValue(json, "json"));
const ours = (verdict: Verdict): Said => ({ mode: "native", verdict });
const plugins = (said: CompatResult): Said => ({ mode: "compat", result: said });
/** What is compared comes from a thread, where it was copied. */
const differences = (one: Said, other: Said) =>
  differencesBetween(statementOf(structuredClone(one)), statementOf(other));

describe("no difference", () => {
  test.each<[string, Verdict, Verdict]>([
    ["the same", allow, { ...allow }],
    ["the same reasons in another order", allow, { kind: "allow", reasons: ["owner", "read"], response }],
    ["the same elevation", elevates(), elevates()],
    ["the same fault, told otherwise", broken, { ...broken, detail: "to_number: empty" }],
    ["the same headers in another order", withHeaders(["a", "1"], ["b", "2"]), withHeaders(["b", "2"], ["a", "1"])],
  ])("%s", (_, one, other) => {
    expect(differences(ours(one), ours(other))).toEqual([]);
  });

  test.each([
    ["a boolean and an object that says no more", "true", '{"allowed": true}'],
    ["a denial and one that spells out what is usual", "false", '{"allowed": false, "http_status": 403, "body": ""}'],
    [
      "metadata in another order",
      '{"allowed": true, "dynamic_metadata": {"a": 1, "__proto__": {"b": 2}}}',
      '{"dynamic_metadata": {"__proto__": {"b": 2}, "a": 1}, "allowed": true}',
    ],
    ["what belongs to the other branch", '{"allowed": true}', '{"allowed": true, "body": "x", "http_status": 402}'],
    [
      "headers in another order",
      '{"allowed": true, "headers": [{"a": "1"}, {"b": "2"}]}',
      '{"allowed": true, "headers": [{"b": "2"}, {"a": "1"}]}',
    ],
  ])("of opa-envoy-plugin: %s", (_, one, other) => {
    expect(differences(plugins(result(one)), plugins(result(other)))).toEqual([]);
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
    [
      "one header's values in another order",
      withHeaders(["a", "1"], ["a", "2"]),
      withHeaders(["a", "2"], ["a", "1"]),
      ["response"],
    ],
    ["reasons and headers", { ...allow, reasons: ["read"] }, withHeaders(["x-user", "dana"]), ["reasons", "response"]],
  ])("%s", (_, one, other, expected) => {
    expect(differences(ours(one), ours(other))).toEqual(expected);
    expect(differences(ours(other), ours(one))).toEqual(expected);
  });

  test.each([
    ["another outcome, and no more is said", "true", '{"allowed": false, "headers": {"a": "1"}}', ["outcome"]],
    ["no result where there was one", "true", '"yes"', ["fault"]],
    ["a header more", '{"allowed": true}', '{"allowed": true, "headers": {"a": "1"}}', ["response"]],
    ["a header that is removed", "true", '{"allowed": true, "request_headers_to_remove": ["a"]}', ["response"]],
    ["a query parameter", "true", '{"allowed": true, "query_parameters_to_set": {"a": "1"}}', ["query"]],
    ["status and body", "false", '{"allowed": false, "http_status": 402, "body": "pay"}', ["status", "body"]],
    ["dynamic metadata", "true", '{"allowed": true, "dynamic_metadata": {"__proto__": 1}}', ["metadata"]],
  ])("of opa-envoy-plugin: %s", (_, one, other, expected) => {
    expect(differences(plugins(result(one)), plugins(result(other)))).toEqual(expected);
    expect(differences(plugins(result(other)), plugins(result(one)))).toEqual(expected);
  });

  test.each<[string, Verdict, string, readonly string[]]>([
    ["alike, whatever one of them cannot say", allow, '{"allowed": true, "dynamic_metadata": {"a": 1}}', []],
    ["an approval where it was a yes", elevates(), "true", ["outcome"]],
    ["other headers", withHeaders(["x-user", "dana"]), '{"allowed": true, "headers": {"x-user": "max"}}', ["response"]],
    ["a fault", broken, "true", ["fault"]],
  ])("between one of ours and one of opa-envoy-plugin: %s", (_, one, other, expected) => {
    expect(differences(ours(one), plugins(result(other)))).toEqual(expected);
    expect(differences(plugins(result(other)), ours(one))).toEqual(expected);
  });
});
