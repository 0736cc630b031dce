/**
 * Applies import rules 1–11 to a tree and returns every violation as one line "file:line imports X: rule N, reason". Works
 * on any root, so that each rule is proven by a small tree that breaks it (fixtures/).
 *
 * Beyond them: an import must be resolvable by its text (rule 0), and what runs in production may import only packages
 * that `npm ci --omit=dev` installs.
 */
import { access, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type Broken, broken, type Target } from "./allowed.ts";
import { brokenFacts } from "./facts.ts";
import { isTestFile, roomOf } from "./room.ts";
import { type Import, readSource, type SourceFile } from "./source-file.ts";
import { brokenBarrel, cycles, emptyFolderNames } from "./structure.ts";

const skippedFolders = new Set(["node_modules", ".git", ".data", ".tools", "coverage", "fixtures"]);

export async function checkTree(root: string): Promise<readonly string[]> {
  const paths = await listFiles(root, "");
  const development = await developmentPackages(root);
  const lines: string[] = emptyFolderNames(paths).map(
    (folder) => `${folder}: rule 10, a folder's name says what is inside`,
  );
  const graph = new Map<string, readonly string[]>();
  const known = new Set(paths);
  for (const file of paths.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))) {
    const source = readSource(file, await readFile(path.join(root, file), "utf8"));
    const report = (line: number, what: string, fault: Broken) =>
      lines.push(`${file}:${line} ${what}rule ${fault.rule}, ${fault.reason}`);
    for (const found of source.imports) {
      const target = resolve(file, found);
      const fault = faultOf(source, found, target, known, development);
      if (fault !== undefined) report(found.line, `imports ${found.specifier ?? "a computed name"}: `, fault);
    }
    for (const fact of brokenFacts(source)) report(fact.line, "", fact);
    const barrel = brokenBarrel(source);
    if (barrel !== undefined) report(1, "", barrel);
    graph.set(
      file,
      source.imports.flatMap((found) => filePath(resolve(file, found))),
    );
  }
  for (const cycle of cycles(graph)) lines.push(`${[...cycle, cycle[0]].join(" -> ")}: rule 10, an import cycle`);
  return lines.toSorted();
}

function faultOf(
  { path: from }: SourceFile,
  found: Import,
  target: Target | undefined,
  known: ReadonlySet<string>,
  development: ReadonlySet<string>,
): Broken | undefined {
  if (target === undefined) {
    return isTestFile(from) || ["test", "scripts"].includes(roomOf(from).kind)
      ? undefined
      : { rule: 0, reason: "what is imported must be readable from the text" };
  }
  if (target.kind === "file" && !known.has(target.path)) return { rule: 0, reason: "there is no such file" };
  const fault = broken(from, found, target);
  if (fault !== undefined || target.kind === "file" || found.isTypeOnly) return fault;
  const isProduction =
    !isTestFile(from) &&
    ["core", "domain", "platform", "service", "enforcer", "cli", "gen"].includes(roomOf(from).kind);
  return isProduction && development.has(target.name)
    ? { rule: 0, reason: `${target.name} is a development dependency and not there in production` }
    : undefined;
}

/** Undefined for a computed name. */
function resolve(from: string, { specifier }: Import): Target | undefined {
  if (specifier === undefined) return undefined;
  if (specifier.startsWith(".")) {
    return { kind: "file", path: path.posix.join(path.posix.dirname(from), specifier) };
  }
  const [first = "", second = ""] = specifier.split("/");
  return { kind: "package", name: first.startsWith("@") ? `${first}/${second}` : first };
}

function filePath(target: Target | undefined): readonly string[] {
  return target?.kind === "file" ? [target.path] : [];
}

async function listFiles(root: string, folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory() && !skippedFolders.has(entry.name)) files.push(...(await listFiles(root, name)));
    if (entry.isFile()) files.push(name);
  }
  return files;
}

async function developmentPackages(root: string): Promise<ReadonlySet<string>> {
  const file = path.join(root, "package.json");
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return new Set();
  const manifest: unknown = JSON.parse(await readFile(file, "utf8"));
  const isRecord = typeof manifest === "object" && manifest !== null && "devDependencies" in manifest;
  return new Set(isRecord ? Object.keys(Object(manifest.devDependencies)) : []);
}
