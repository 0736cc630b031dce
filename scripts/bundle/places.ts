/** Which rule a name stands for: by the imports of its module, its package, and what the rules of all modules are called. */
import { field, list, packagePath, type ParsedModule, placeOf, refText } from "./ast.ts";

/** `imports`: of each name, what it stands for, from `data` or `input` downwards. */
export type Scope = {
  readonly path: readonly string[];
  readonly imports: ReadonlyMap<string, readonly string[]>;
};

/** `place`: below `data`, up to the first part of the head that only an evaluation knows. */
export type PlacedRule = { readonly place: readonly string[]; readonly rule: unknown; readonly scope: Scope };

/** The rules that a place names, or stands inside the value of. */
export type RulesAt = (place: readonly string[]) => readonly PlacedRule[];

export function scopeOf(ast: unknown): Scope {
  const imports = new Map(
    list(field(ast, "imports")).map((one) => {
      const parts = constantsOf(field(field(one, "path"), "value"));
      const alias = field(one, "alias");
      return [typeof alias === "string" ? alias : (parts.at(-1) ?? ""), parts];
    }),
  );
  return { path: packagePath(ast), imports };
}

/** Of a reference in a module, below `data`; undefined for a part of the input. */
export function placeIn(
  { path, imports }: Scope,
  [first = "", ...more]: readonly string[],
): readonly string[] | undefined {
  const [root = first, ...from] = imports.get(first) ?? [];
  if (root === "input") return undefined;
  return root === "data" ? [...from, ...more] : [...path, first, ...more];
}

export function placedRules(modules: readonly ParsedModule[]): readonly PlacedRule[] {
  return modules.flatMap(({ ast }) => {
    const scope = scopeOf(ast);
    return list(field(ast, "rules")).map((rule) => {
      const head = constantsOf(field(field(rule, "head"), "ref"));
      return { place: placeOf(ast, rule).slice(0, scope.path.length + head.length), rule, scope };
    });
  });
}

export function rulesIn(all: readonly PlacedRule[]): RulesAt {
  const known = new Map<string, readonly PlacedRule[]>();
  return (place) => {
    const key = JSON.stringify(place);
    const found = known.get(key) ?? all.filter((one) => isPrefix(one.place, place));
    known.set(key, found);
    return found;
  };
}

/** The sets of a policy: what a package is asked for, and has to have one of. */
export const SETS = ["deny", "elevate", "allow"];

/** Of a policy, what is asked under this name. What a response holds may have any name: `allow` is a header. */
export const ASKED = [...SETS, "response"];

/** Of a place or a package: below `countersign.policies`, however deep. One that is too deep is refused as a whole. */
export function isPolicy([root, area]: readonly string[]): boolean {
  return root === "countersign" && area === "policies";
}

/** Up to the first part that only an evaluation knows. */
export function constantsOf(ref: unknown): readonly string[] {
  const [first, ...more] = list(ref);
  const end = more.findIndex((term) => field(term, "type") !== "string");
  return [first, ...(end < 0 ? more : more.slice(0, end))].map((term) => refText([term]));
}

export function isPrefix(start: readonly string[], path: readonly string[]): boolean {
  return start.length <= path.length && start.every((part, at) => part === path[at]);
}
