/** Reading of what `opa parse --format json` gives: outside data, of which each part may be anything. */

/** One file; read as outside data. */
export type ParsedModule = { readonly file: string; readonly ast: unknown };

/** The parts of a reference, as dotted text. */
export function refText(ref: unknown): string {
  return list(ref)
    .map((term) => String(field(term, "value")))
    .join(".");
}

export function field(node: unknown, name: string): unknown {
  if (typeof node !== "object" || node === null) return undefined;
  return Object.entries(node).find(([key]) => key === name)?.[1];
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function strings(value: unknown): readonly string[] {
  return list(value).filter((item) => typeof item === "string");
}

/** Of a module, without `data`. */
export function packagePath(ast: unknown): readonly string[] {
  return list(field(field(ast, "package"), "path"))
    .map((term) => String(field(term, "value")))
    .slice(1);
}

/** Where a rule stands below `data`, whatever of it the package says and what its head. Of a variable, its name. */
export function placeOf(ast: unknown, rule: unknown): readonly string[] {
  const head = list(field(field(rule, "head"), "ref")).map((term) => String(field(term, "value")));
  return [...packagePath(ast), ...head];
}

/** What stands behind `not`, wherever that is: the terms of a call, or a name. */
export function negations(node: unknown): readonly unknown[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => negations(item));
  if (typeof node !== "object" || node === null) return [];
  const own = field(node, "negated") === true ? [field(node, "terms")] : [];
  return [...own, ...Object.values(node).flatMap((item: unknown) => negations(item))];
}

/** Operator and operands of a call, as a term or as an expression; none of anything else. */
export function callOf(node: unknown): readonly unknown[] {
  return list(field(node, "type") === "call" ? field(node, "value") : field(node, "terms"));
}

/** Operator and operands of each call inside, of all that is not left out. */
export function callsIn(
  node: unknown,
  isWanted: (node: unknown) => boolean = () => true,
): readonly (readonly unknown[])[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => callsIn(item, isWanted));
  if (typeof node !== "object" || node === null || !isWanted(node)) return [];
  const call = callOf(node);
  const inside = Object.values(node).flatMap((item: unknown) => callsIn(item, isWanted));
  return [...(call.length > 0 ? [call] : []), ...inside];
}
