/**
 * SQL of the services stands in the store, one statement per function: whoever reads a name knows what is locked, what is seen, and that nothing
 * comes between. What needs several is put together in the files named below, which hold no statement themselves.
 *
 * Counted: calls of `.query(`, in a function or method and in those of the same folder that it calls by name. One inside a loop counts as two.
 * Not seen: a statement that a library makes (migrations), or a text of several statements.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { childrenOf, isNode, lineOf, nameOf, type Node, parseModule, walk } from "../syntax-tree.ts";

const SERVICES = "services";
const STORE = "services/approval/store";
/** They implement ports out of the functions beside them. */
const PUT_TOGETHER = new Set(["store.ts", "published-grants.ts", "redeem-together.ts"]);

type Unit = { readonly file: string; readonly name: string; readonly line: number; queries: number; calls: string[] };

/** `<file>:<line>: <what is wrong>`. */
export async function severalStatements(root: string): Promise<readonly string[]> {
  const names = (await readdir(path.join(root, STORE))).filter(isSource).sort();
  const units: Unit[] = [];
  for (const name of names) units.push(...unitsOf(name, await readFile(path.join(root, STORE, name), "utf8")));
  const byName = new Map(units.map((unit) => [unit.name, unit]));
  const statements = ({ queries, calls }: Unit, above: readonly string[] = []): number =>
    calls
      .filter((callee) => !above.includes(callee))
      .map((callee) => byName.get(callee))
      .reduce((sum, callee) => sum + (callee === undefined ? 0 : statements(callee, [...above, callee.name])), queries);
  return units.flatMap((unit) => {
    const at = `${STORE}/${unit.file}:${unit.line}: ${unit.name}`;
    if (PUT_TOGETHER.has(unit.file))
      return unit.queries === 0 ? [] : [`${at} holds a statement; this file puts together`];
    const count = statements(unit, [unit.name]);
    return count <= 1 ? [] : [`${at} issues ${count} statements; each function of the store is one`];
  });
}

/** Statements of the services that stand anywhere else. */
export async function strayStatements(root: string): Promise<readonly string[]> {
  const files = (await readdir(path.join(root, SERVICES), { recursive: true }))
    .map((name) => path.posix.join(SERVICES, name))
    .filter((name) => isSource(name) && !name.startsWith(`${STORE}/`));
  const found: string[] = [];
  for (const file of files.sort()) {
    walk(parseModule(await readFile(path.join(root, file), "utf8")), (node) => {
      if (node.type === "CallExpression" && calleeOf(node) === ".query")
        found.push(`${file}:${lineOf(node)}: a statement, which belongs to ${STORE}`);
    });
  }
  return found;
}

const isSource = (name: string): boolean => /(?<!\.test)\.ts$/.test(name);

/** Functions of the module and methods of the objects in it; an arrow function inside one is a part of it. */
function unitsOf(file: string, text: string): readonly Unit[] {
  const units: Unit[] = [];
  const visit = (node: Node, unit: Unit | undefined, times: number): void => {
    const name = unitName(node);
    const here = name === undefined ? unit : { file, name, line: lineOf(node), queries: 0, calls: [] };
    if (here !== undefined && here !== unit) units.push(here);
    const callee = node.type === "CallExpression" ? calleeOf(node) : undefined;
    if (here !== undefined && callee === ".query") here.queries += times;
    else if (here !== undefined && callee !== undefined)
      here.calls.push(...Array.from({ length: times }, () => callee));
    const again = /^(For|While|DoWhile)\w*Statement$/.test(node.type) ? 2 : times;
    for (const child of childrenOf(node)) visit(child, here, again);
  };
  const program = parseModule(text);
  if (isNode(program)) visit(program, undefined, 1);
  return units;
}

function unitName(node: Node): string | undefined {
  if (node.type === "FunctionDeclaration") return nameOf(node["id"]);
  return node.type === "ObjectMethod" ? nameOf(node["key"]) : undefined;
}

function calleeOf({ callee }: Node): string | undefined {
  if (isNode(callee) && callee.type === "MemberExpression") return `.${nameOf(callee["property"])}`;
  return nameOf(callee);
}
