/**
 * Which members of the input the policies of a bundle read, so that the rest (all headers, most of the time) need not be
 * written and parsed for each decision. Found in the syntax trees: the first part of every reference to `input`. Where it
 * is not a plain word, or `input` is handed on whole, everything counts as read.
 */
import type { ParsedModule } from "./check-policies.ts";

/** Sorted; undefined: everything. */
export function inputReads(modules: readonly ParsedModule[]): readonly string[] | undefined {
  const names = new Set<string>();
  return modules.every(({ ast }) => collect(ast, names)) ? [...names].sort() : undefined;
}

/** False when anything below may read the whole. */
function collect(node: unknown, names: Set<string>): boolean {
  if (Array.isArray(node)) return node.every((item: unknown) => collect(item, names));
  if (typeof node !== "object" || node === null) return true;
  if (isTerm(node, "var") && node.value === "input") return false;
  if (isTerm(node, "ref") && Array.isArray(node.value)) {
    const [head, first, ...rest]: readonly unknown[] = node.value;
    if (isTerm(head, "var") && head.value === "input") {
      if (!isTerm(first, "string") || typeof first.value !== "string") return false;
      names.add(first.value);
      return collect(rest, names);
    }
  }
  return Object.entries(node).every(([key, item]: [string, unknown]) => key === "annotations" || collect(item, names));
}

function isTerm<Type extends string>(
  node: unknown,
  type: Type,
): node is { readonly type: Type; readonly value: unknown } {
  return typeof node === "object" && node !== null && "type" in node && node.type === type && "value" in node;
}
