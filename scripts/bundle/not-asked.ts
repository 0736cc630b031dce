/**
 * Rules that read like a policy's and are never asked: `decision.rego` goes through the packages `countersign.policies.NAME` alone, so a
 * `deny` in `package countersign.policy.wiki` would be built, signed and passed over. Of a policy it asks for what is called `deny`, `elevate` or
 * `allow` and for nothing below another name, so `writes.deny` in `package countersign.policies.wiki` would be passed over as well. One that
 * another rule reads is a library's or a helper; whether what reads it is asked itself is not looked into.
 */
import { field, list, type ParsedModule } from "./ast.ts";
import {
  ASKED,
  constantsOf,
  isPolicy,
  isPrefix,
  type PlacedRule,
  placedRules,
  placeIn,
  type Scope,
  scopeOf,
  SETS,
} from "./places.ts";

export function notAsked(modules: readonly ParsedModule[]): readonly string[] {
  const read = modules.flatMap(({ ast }) => readPlaces(ast, scopeOf(ast)));
  const faults = modules.flatMap((module) =>
    placedRules([module]).flatMap((rule) => {
      const fault = faultOf(rule);
      return fault === undefined || read.some((one) => reads(one, rule)) ? [] : [`${module.file}: ${fault}`];
    }),
  );
  return [...new Set(faults)];
}

function faultOf({ place, rule, scope: { path } }: PlacedRule): string | undefined {
  const [first, ...below] = list(field(field(rule, "head"), "ref"));
  const name = String(field(first, "value"));
  const constants = below
    .filter((term) => field(term, "type") === "string")
    .map((term) => String(field(term, "value")));
  const set = [name, ...constants].find((part) => SETS.includes(part));
  if (set === undefined) return undefined;
  const said = [...path, name, ...below.map((term) => String(field(term, "value")))].join(".");
  if (isPolicy(path)) {
    // What is no set there is told by checkPolicies.
    return ASKED.includes(name)
      ? undefined
      : `${said} would never be asked: of a policy, only what stands below no other name is, and no other rule reads it; write: ${set} contains … if …; or, in a helper, give it another name or take it out`;
  }
  if (isPolicy(place)) return undefined; // by its head: told by checkPolicies
  const last = path.at(-1) ?? "NAME";
  const instead = last === "countersign" || !/^\w+$/.test(last) ? "NAME" : last;
  return `${said} would never be asked: only packages directly below countersign.policies are, and no other rule reads it; write: package countersign.policies.${instead}; or, in a library, give it another name or take it out`;
}

/** NB: who goes through all policies, or a policy as a whole, as the composition does, asks for none of its names. */
function reads(one: readonly string[], { place, scope: { path } }: PlacedRule): boolean {
  if (isPolicy(path) && one.length <= path.length) return false;
  return isPrefix(one, place) || isPrefix(place, one);
}

/** What the rules of a module look up below `data`, as far as it is constant. Of variables too, which may be rules of the same package. */
function readPlaces(ast: unknown, scope: Scope): readonly (readonly string[])[] {
  // NB: `data[x]` alone may be anything, and says nothing of what was meant.
  return list(field(ast, "rules"))
    .flatMap((rule) => refs(rule))
    .map((names) => placeIn(scope, names) ?? [])
    .filter((place) => place.length > 0);
}

function refs(node: unknown): readonly (readonly string[])[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => refs(item));
  if (typeof node !== "object" || node === null) return [];
  const [type, value] = [field(node, "type"), field(node, "value")];
  if (type === "var" && typeof value === "string") return [[value]];
  const inside = Object.entries(node).flatMap(([key, item]: [string, unknown]) => {
    if (key === "head") return refs([field(item, "args"), field(item, "key"), field(item, "value")]);
    return type === "ref" && key === "value" ? list(item).slice(1).flatMap(refs) : refs(item);
  });
  return type === "ref" ? [constantsOf(value), ...inside] : inside;
}
