/**
 * One source file as the import rules see it: every import with its line, and the few facts beside imports that rules 1, 5
 * and 10 speak about. Parsed by @babel/parser, so type imports, `export … from`, dynamic `import()` and `import("…")` types
 * all count and comments and strings do not.
 *
 * Not seen: a module loaded by a computed name (reported as such), `createRequire`, `new URL(…, import.meta.url)`, and who
 * calls a constructor ("only main.ts constructs" stays with the reviewer).
 */
import { isNode, lineOf, nameOf, type Node, parseModule, textOf, walk } from "../syntax-tree.ts";

export type Import = {
  /** As written; undefined when it is computed at run time. */
  readonly specifier: string | undefined;
  readonly line: number;
  readonly isTypeOnly: boolean;
  /** True for `export … from`. */
  readonly isReExport: boolean;
};

/** A use of something that is not an import: `name` is "process.env", "Date.now", "await" … */
type Use = { readonly name: string; readonly line: number };

export type SourceFile = {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  readonly uses: readonly Use[];
  /** True when every statement is a re-export. */
  readonly isBarrel: boolean;
};

/** Throws SyntaxError with the position when the text is not TypeScript. */
export function readSource(path: string, text: string): SourceFile {
  const imports: Import[] = [];
  const uses: Use[] = [];
  const program = parseModule(text, path);
  walk(program, (node) => {
    const found = importIn(node);
    if (found !== undefined) imports.push(found);
    const use = useIn(node);
    if (use !== undefined) uses.push(use);
  });
  const { body } = program;
  const isBarrel =
    body.length > 0 &&
    body.every(
      (statement) =>
        statement.type === "ExportAllDeclaration" ||
        (statement.type === "ExportNamedDeclaration" && statement.source !== null && statement.source !== undefined),
    );
  return { path, imports, uses, isBarrel };
}

function importIn(node: Node): Import | undefined {
  const at = (source: unknown, isTypeOnly: boolean, isReExport: boolean) => ({
    specifier: textOf(source),
    line: lineOf(node),
    isTypeOnly,
    isReExport,
  });
  switch (node.type) {
    case "ImportDeclaration":
      return at(node["source"], node["importKind"] === "type", false);
    case "ExportAllDeclaration":
      return at(node["source"], node["exportKind"] === "type", true);
    case "ExportNamedDeclaration":
      return isNode(node["source"]) ? at(node["source"], node["exportKind"] === "type", true) : undefined;
    case "TSImportType":
      return at(isNode(node["argument"]) ? (node["argument"]["literal"] ?? node["argument"]) : undefined, true, false);
    case "TSExternalModuleReference":
      return at(node["expression"], false, false);
    case "CallExpression": {
      const args = node["arguments"];
      const isImport = isNode(node["callee"]) && node["callee"].type === "Import";
      return isImport ? at(Array.isArray(args) ? args[0] : undefined, false, false) : undefined;
    }
    default:
      return undefined;
  }
}

const impureGlobals = new Set([
  "process",
  "performance",
  "crypto",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "console",
]);

function useIn(node: Node): Use | undefined {
  const line = lineOf(node);
  if (node.type === "AwaitExpression") return { name: "await", line };
  if (node["async"] === true) return { name: "async", line };
  if (node.type === "NewExpression" && nameOf(node["callee"]) === "Date") {
    const args = node["arguments"];
    return Array.isArray(args) && args.length === 0 ? { name: "new Date()", line } : undefined;
  }
  if (node.type === "MemberExpression" || node.type === "OptionalMemberExpression") return memberUse(node, line);
  if (node.type === "VariableDeclarator" && nameOf(node["init"]) === "process") return { name: "process.env", line };
  return undefined;
}

function memberUse(node: Node, line: number): Use | undefined {
  const object = nameOf(node["object"]);
  const property = nameOf(node["property"]) ?? textOf(node["property"]);
  if (object === undefined || property === undefined) return undefined;
  if (object === "globalThis" && impureGlobals.has(property)) return { name: property, line };
  const name = `${object}.${property}`;
  if (name === "Date.now" || name === "Math.random") return { name, line };
  if (!impureGlobals.has(object)) return undefined;
  return { name: name === "process.env" ? name : object, line };
}
