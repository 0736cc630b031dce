/**
 * What can be seen of an elevation before anybody asks for it: names that an elevation has not, those that it lacks, and constants that
 * are not of its form. A service would deny with `policy_result_invalid` whatever the rule holds for. What is only known when it is asked,
 * and an elevation that is put together in the body, is for a self-test.
 */
import { Compile } from "typebox/compile";
import { DecisionResult } from "../../core/policy/schema/result.ts";
import { field, list } from "./ast.ts";

const { properties, required } = DecisionResult.properties.elevations.items;
const checks = new Map(Object.entries(properties).map(([name, schema]) => [name, Compile(schema)]));

/** Of one rule `elevate contains {…}`: what to mend, each in words of its own. */
export function elevationFaults(rule: unknown): readonly string[] {
  const elevation = field(field(rule, "head"), "key");
  if (field(elevation, "type") !== "object") return [];
  const entries = list(field(elevation, "value")).map((entry) => list(entry));
  const names = entries.map(([key]) => constantOf(key)?.value);
  const wrong = entries.flatMap(([key, value]) => {
    const name = constantOf(key)?.value;
    if (typeof name !== "string") return [];
    const check = checks.get(name);
    if (check === undefined)
      return [`an elevation has no ${JSON.stringify(name)}; it has ${[...checks.keys()].join(", ")}`];
    const constant = constantOf(value);
    if (constant === undefined || check.Check(constant.value)) return [];
    const [first] = check.Errors(constant.value);
    return [`${name} of an elevation ${first?.message ?? "is not valid"}, and not ${JSON.stringify(constant.value)}`];
  });
  const lacking = names.every((name) => typeof name === "string")
    ? required.filter((name) => !names.includes(name))
    : [];
  return [...wrong, ...lacking.map((name) => `an elevation lacks ${JSON.stringify(name)}`)];
}

/** Undefined for what only an evaluation knows. */
function constantOf(term: unknown): { readonly value: unknown } | undefined {
  const [type, value] = [field(term, "type"), field(term, "value")];
  if (type === "string" || type === "number" || type === "boolean" || type === "null") return { value };
  if (type !== "array" && type !== "object") return undefined;
  const parts = list(value).map((part) => (type === "array" ? constantOf(part) : pairOf(part)));
  const known = parts.flatMap((part) => (part === undefined ? [] : [part.value]));
  if (known.length < parts.length) return undefined;
  return { value: type === "array" ? known : Object.fromEntries(known.map((pair) => list(pair))) };
}

function pairOf(pair: unknown): { readonly value: readonly [string, unknown] } | undefined {
  const [key, value] = list(pair).map(constantOf);
  return typeof key?.value === "string" && value !== undefined ? { value: [key.value, value.value] } : undefined;
}
