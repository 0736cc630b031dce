/**
 * What JSON from outside must not contain, beyond its grammar. NB: a lone surrogate has no UTF-8 form, so it could be signed as one thing and
 * read as another; and excessive nesting could exhaust the stack of recursive code.
 */

/** The policy host and the canonical form read documents recursively. */
const MAX_DEPTH = 32;

/** Why `value` cannot be accepted, or undefined. */
export function faultIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : "a text holds half a surrogate pair";
  if (typeof value === "number" && !Number.isFinite(value)) return "a number is not finite";
  if (!isObject(value)) return undefined;
  if (depth >= MAX_DEPTH) return `nested deeper than ${MAX_DEPTH}`;
  // By names: a pair for each member would be most of the cost.
  for (const name of Object.keys(value)) {
    if (!name.isWellFormed()) return "a name holds half a surrogate pair";
    const fault = faultIn(value[name], depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}
