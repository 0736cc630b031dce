/**
 * Rules that read like a policy's and are never asked: `decision.rego` goes through the packages `countersign.policies.NAME` alone, so a
 * `deny` in `package countersign.policy.wiki` would be built, signed and passed over. One that another rule reads is a library's; whether what
 * reads it is asked itself is not looked into.
 */
import { field, list, packagePath, placeOf, refText } from "./ast.ts";
import type { ParsedModule } from "./check-policies.ts";

const SAYS = ["deny", "elevate", "allow"];

export function notAsked(modules: readonly ParsedModule[]): readonly string[] {
  const read = modules.flatMap(({ ast }) => readPlaces(ast));
  const faults = modules.flatMap(({ file, ast }) => {
    const path = packagePath(ast);
    if (path[0] === "countersign" && path[1] === "policies") return [];
    return list(field(ast, "rules")).flatMap((rule) => {
      const place = placeOf(ast, rule);
      const below = place.slice(path.length);
      const isAsked = place[0] === "countersign" && place[1] === "policies"; // by its head: told by checkPolicies
      if (isAsked || !below.some((part) => SAYS.includes(part))) return [];
      return read.some((one) => isPrefix(one, place) || isPrefix(place, one)) ? [] : [faultOf(file, path, place)];
    });
  });
  return [...new Set(faults)];
}

function faultOf(file: string, path: readonly string[], place: readonly string[]): string {
  const name = path.at(-1) ?? "NAME";
  const instead = name === "countersign" || !/^\w+$/.test(name) ? "NAME" : name;
  return `${file}: ${place.join(".")} would never be asked: only packages directly below countersign.policies are, and no other rule reads it; write: package countersign.policies.${instead}; or, in a library, give it another name or take it out`;
}

/** What the rules of a module look up below `data`, as far as it is constant. Of variables too, which may be rules of the same package. */
function readPlaces(ast: unknown): readonly (readonly string[])[] {
  const path = packagePath(ast);
  const imported = new Map(
    list(field(ast, "imports")).map((one) => {
      const parts = constantsOf(field(field(one, "path"), "value"));
      const alias = field(one, "alias");
      return [typeof alias === "string" ? alias : (parts.at(-1) ?? ""), parts];
    }),
  );
  const placeOfRef = ([first = "", ...more]: readonly string[]): readonly string[] => {
    const from = imported.get(first);
    if (from !== undefined) return [...from.slice(1), ...more];
    return first === "data" ? more : [...path, first, ...more];
  };
  // NB: `data[x]` alone may be anything, and says nothing of what was meant.
  return list(field(ast, "rules"))
    .flatMap((rule) => refs(rule))
    .map(placeOfRef)
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

/** Up to the first part that only an evaluation knows. */
function constantsOf(ref: unknown): readonly string[] {
  const [first, ...more] = list(ref);
  const end = more.findIndex((term) => field(term, "type") !== "string");
  return [first, ...(end < 0 ? more : more.slice(0, end))].map((term) => refText([term]));
}

function isPrefix(start: readonly string[], path: readonly string[]): boolean {
  return start.length <= path.length && start.every((part, at) => part === path[at]);
}
