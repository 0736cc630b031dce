/**
 * What is exported and no other file imports, be it a function, a constant or a type: it looks like something that others rest on.
 *
 * Read from the text of imports and exports: a namespace import, `import("…")` and a module's address as a text use everything of it.
 * Not looked at: generated code, since its generator decides, and the modules that stand in for others at the crash points.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { parseModule } from "../syntax-tree.ts";

const LEFT_ALONE = new Set(["node_modules", ".git", ".data", ".tools", "coverage", "fixtures", "gen"]);
const STAND_INS = "test/fault/crash-points/";
const WHOLE = /(?:import\(|new URL\(|join\(import\.meta\.dirname, )\s*"([^"]+\.ts)"/g;

type Export = { readonly name: string; readonly line: number };
type Module = {
  readonly exports: readonly Export[];
  /** By file, from the root: names, or `*` for everything. */
  readonly uses: readonly (readonly [file: string, name: string])[];
};

/** `<file>:<line>: <name> is exported and no other file imports it`. */
export async function needlessExports(root: string): Promise<readonly string[]> {
  const modules = new Map<string, Module>();
  for (const file of await sources(root, "")) {
    modules.set(file, readModule(file, await readFile(path.join(root, file), "utf8")));
  }
  const used = new Set([...modules.values()].flatMap(({ uses }) => uses.map(([file, name]) => `${file} ${name}`)));
  return [...modules].flatMap(([file, { exports }]) =>
    exports
      .filter(({ name }) => !file.startsWith(STAND_INS) && !used.has(`${file} ${name}`) && !used.has(`${file} *`))
      .map(({ name, line }) => `${file}:${line}: ${name} is exported and no other file imports it`),
  );
}

function readModule(file: string, text: string): Module {
  const from = (specifier: string) => path.posix.join(path.posix.dirname(file), specifier);
  const exports: Export[] = [];
  const uses: (readonly [string, string])[] = [...text.matchAll(WHOLE)].map(([, whole = ""]) => [from(whole), "*"]);
  for (const statement of parseModule(text).body) {
    if (statement.type === "ImportDeclaration") {
      for (const one of statement.specifiers) {
        const name = one.type === "ImportSpecifier" ? nameOf(one.imported) : "*";
        uses.push([from(statement.source.value), name]);
      }
    }
    if (statement.type !== "ExportNamedDeclaration") continue;
    const { declaration, source } = statement;
    const line = statement.loc?.start.line ?? 0;
    for (const one of statement.specifiers) {
      if (one.type !== "ExportSpecifier") continue;
      if (source) uses.push([from(source.value), one.local.name]);
      exports.push({ name: nameOf(one.exported), line });
    }
    if (declaration) exports.push(...declared(declaration).map((name) => ({ name, line })));
  }
  return { exports, uses };
}

type Statement = ReturnType<typeof parseModule>["body"][number];
type Declaration = NonNullable<Extract<Statement, { type: "ExportNamedDeclaration" }>["declaration"]>;

function declared(declaration: Declaration): readonly string[] {
  if (declaration.type === "VariableDeclaration")
    return declaration.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
  if (declaration.type === "TSTypeAliasDeclaration" || declaration.type === "TSInterfaceDeclaration")
    return [declaration.id.name];
  if (declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration")
    return declaration.id ? [declaration.id.name] : [];
  return [];
}

function nameOf(
  name:
    | { readonly type: "Identifier"; readonly name: string }
    | { readonly type: "StringLiteral"; readonly value: string },
) {
  return name.type === "Identifier" ? name.name : name.value;
}

async function sources(root: string, folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory() && !LEFT_ALONE.has(entry.name)) files.push(...(await sources(root, name)));
    if (entry.isFile() && name.endsWith(".ts") && !name.endsWith(".d.ts")) files.push(name);
  }
  return files;
}
