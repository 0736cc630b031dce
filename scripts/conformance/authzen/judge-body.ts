/** Judges the body of a reply by the rules of a row, those that need no other reply. Each fault is a sentence. */
import { isDeepStrictEqual } from "node:util";
import type { BodyRules } from "./read-rows.ts";

export function faultsIn(body: unknown, rules: BodyRules): readonly string[] {
  return [
    ...(rules.subset === undefined ? [] : subsetFaults(body, rules.subset, "body")),
    ...Object.entries(rules.types ?? {}).flatMap(([place, type]) => typeFaults(body, place, type)),
    ...Object.entries(rules.length ?? {}).flatMap(([place, count]) => {
      const at = valuesAt(body, place)[0];
      return Array.isArray(at) && at.length === count ? [] : [`${place} has not ${count} elements`];
    }),
    ...[...(rules.absent ?? []), ...(rules.should_be_absent ?? [])].flatMap((name) =>
      member(body, name) === undefined ? [] : [`${name} is there`],
    ),
    ...(rules.results === undefined ? [] : resultFaults(body, rules.results)),
    ...(rules.no_query_or_fragment ?? []).flatMap((name) =>
      /[?#]/.test(String(member(body, name))) ? [`${name} has a query or a fragment`] : [],
    ),
    ...(rules.no_null_or_empty === true ? emptyFaults(body) : []),
  ];
}

export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** `a[].b` is every element. */
export function valuesAt(value: unknown, place: string): readonly unknown[] {
  let at: readonly unknown[] = [value];
  for (const part of place.split(".")) {
    const name = part.replace("[]", "");
    at = at.map((one) => member(one, name));
    if (part.endsWith("[]")) at = at.flatMap((one) => (Array.isArray(one) ? one : []));
  }
  return at;
}

function subsetFaults(got: unknown, want: unknown, place: string): readonly string[] {
  if (Array.isArray(want)) {
    if (!Array.isArray(got) || got.length !== want.length) return [`${place} is not ${want.length} elements`];
    return want.flatMap((one, at) => subsetFaults(got[at], one, `${place}[${at}]`));
  }
  if (typeof want === "object" && want !== null) {
    return Object.entries(want).flatMap(([name, one]) => subsetFaults(member(got, name), one, `${place}.${name}`));
  }
  return Object.is(got, want) ? [] : [`${place} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`];
}

const TYPES: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["string", (value: unknown) => typeof value === "string"],
  ["boolean", (value: unknown) => typeof value === "boolean"],
  ["integer", (value: unknown) => Number.isInteger(value) && Number(value) >= 0],
  ["array", Array.isArray],
  ["object", (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value)],
  ["string[]", (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === "string")],
  ["https_url", (value: unknown) => typeof value === "string" && URL.parse(value)?.protocol === "https:"],
]);

function typeFaults(body: unknown, path: string, type: string): readonly string[] {
  const optional = path.endsWith("?");
  const place = optional ? path.slice(0, -1) : path;
  const check = TYPES.get(type);
  if (check === undefined) return [`${type} is no type that is known here`];
  const parent = place.includes(".") ? valuesAt(body, place.slice(0, place.lastIndexOf(".")))[0] : body;
  if (parent === undefined) return [];
  return valuesAt(body, place).flatMap((value) =>
    (optional && value === undefined) || check(value) ? [] : [`${place} is no ${type}: ${JSON.stringify(value)}`],
  );
}

function resultFaults(body: unknown, rules: NonNullable<BodyRules["results"]>): readonly string[] {
  const results = member(body, "results");
  if (!Array.isArray(results)) return ["results is no array"];
  const has = (wanted: object) => results.some((one) => subsetFaults(one, wanted, "").length === 0);
  return [
    ...(rules.contains ?? []).flatMap((one) => (has(one) ? [] : [`${JSON.stringify(one)} is not found`])),
    ...(rules.required ?? []).flatMap((name) =>
      results.every((one) => member(one, name) !== undefined) ? [] : [`a result has no ${name}`],
    ),
    ...Object.entries(rules.every ?? {}).flatMap(([name, value]) =>
      results.every((one) => isDeepStrictEqual(member(one, name), value)) ? [] : [`a result has another ${name}`],
    ),
  ];
}

function emptyFaults(body: unknown): readonly string[] {
  if (typeof body !== "object" || body === null) return ["is no object"];
  return Object.entries(body).flatMap(([name, value]) =>
    value === null || value === "" || (Array.isArray(value) && value.length === 0) ? [`${name} is empty`] : [],
  );
}
