/**
 * Which parts of the input the policies of a bundle read, so that the rest (all headers, most of the time) need not be written and parsed for each
 * decision. Found in the syntax trees: of every reference to `input` the words that are known before. What stands below them counts as read.
 * Where not even the first is a plain word, or `input` is handed on whole, everything does.
 *
 * One place names context by what the build itself wrote: whether what packages require is there (`_context_available` in decision.rego asks for
 * names of `data.countersign.requires` alone). NB: a name that were missing here would be missing context, which is a denial.
 */
import { field, list, packagePath, type ParsedModule, placeOf } from "./ast.ts";
import { isPrefix } from "./places.ts";

/** From the input downwards; below the last name all is read. */
type Path = readonly string[];

/** Longer ones are read as their beginning. */
const MAX_PARTS = 8;
/** Members that are written whole if at all (core/policy/envoy-input/decision-input.ts). */
const WHOLE = new Set(["parsed_path", "parsed_query", "parsed_body"]);
/** As many as a manifest may hold (core/policy/bundle.ts); of more only the first names count. */
const MAX_PATHS = 1_000;
const ASKS_FOR_REQUIRED = "countersign._context_available";

/** In order, and none below another; undefined: everything. `required`: all names of context that packages require. */
export function inputReads(modules: readonly ParsedModule[], required: readonly string[]): readonly Path[] | undefined {
  const found = new Map<string, Path>();
  const note = (path: Path): void => void found.set(JSON.stringify(path), path);
  for (const { ast } of modules) {
    if (!collect(withoutRules(ast), note)) return undefined;
    for (const rule of list(field(ast, "rules"))) {
      const isOfRequired = packagePath(ast).length === 1 && placeOf(ast, rule).join(".") === ASKS_FOR_REQUIRED;
      const noteIn: Note = (path, parts) => {
        const asksForRequired = isOfRequired && parts === 2 && path.length === 1 && path[0] === "context";
        if (asksForRequired) for (const one of required) note(["context", one]);
        else note(path);
      };
      if (!collect(rule, noteIn)) return undefined;
    }
  }
  const all = [...found.values()];
  const paths = all.length > MAX_PATHS ? all.map(([name = ""]) => [name]) : all;
  const isBelow = (path: Path, other: Path) => other.length < path.length && isPrefix(other, path);
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()]
    .filter((path) => !paths.some((other) => isBelow(path, other)))
    .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

function withoutRules(ast: unknown): unknown {
  return typeof ast === "object" && ast !== null ? { ...ast, rules: [] } : ast;
}

/** `parts`: of the reference that begins so. */
type Note = (path: Path, parts: number) => void;

/** False when anything below may read the whole. */
function collect(node: unknown, note: Note): boolean {
  if (Array.isArray(node)) return node.every((item: unknown) => collect(item, note));
  if (typeof node !== "object" || node === null) return true;
  if (isTerm(node, "var") && node.value === "input") return false;
  if (isTerm(node, "ref") && Array.isArray(node.value)) {
    const [head, ...parts]: readonly unknown[] = node.value;
    if (isTerm(head, "var") && head.value === "input") {
      const path = knownWords(parts);
      if (path.length === 0) return false;
      note(path, parts.length);
      return collect(parts, note);
    }
  }
  return Object.entries(node).every(([key, item]: [string, unknown]) => key === "annotations" || collect(item, note));
}

function knownWords(parts: readonly unknown[]): Path {
  const path: string[] = [];
  for (const part of parts.slice(0, MAX_PARTS)) {
    if (WHOLE.has(path[0] ?? "") || !isTerm(part, "string") || typeof part.value !== "string") break;
    path.push(part.value);
  }
  return path;
}

function isTerm<Type extends string>(
  node: unknown,
  type: Type,
): node is { readonly type: Type; readonly value: unknown } {
  return typeof node === "object" && node !== null && "type" in node && node.type === type && "value" in node;
}
