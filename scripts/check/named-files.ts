/**
 * Whether the files and the npm scripts that the documents name exist. A file is a path in backticks (a line number behind it is left out), or
 * the target of a link, whose first part is a folder of the repository; `*` and `…` in it make it a pattern, which is not looked for, and what
 * lies in `node_modules` no clone has. A script is what follows `npm run`. Marks that a merge left, which no compiler sees in a document, are
 * told too.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";

const FILE = /`(?:\.\/)?(\w[\w.-]*(?:\/[\w.@-]+)+)\/?(?::\d+)?`|\]\(([\w./@-]+)(?:#[\w-]*)?\)/g;
const CONFLICT = /^(?:<{7}|>{7}) /;
const SCRIPT = /\bnpm run (?!-)([\w-]+)/g;

/** `<document>:<line>: <fault>`. */
export async function missingNames(root: string): Promise<readonly string[]> {
  const top = new Set((await readdir(root)).filter((name) => name !== "node_modules"));
  const scripts = await scriptsOf(root);
  const faults: string[] = [];
  for (const document of await documents(root)) {
    const lines = (await readFile(path.join(root, document), "utf8")).split("\n");
    for (const [at, line] of lines.entries()) {
      if (CONFLICT.test(line)) faults.push(`${document}:${at + 1}: the mark of a conflict is left`);
      for (const [, quoted, linked] of line.matchAll(FILE)) {
        const name = quoted ?? path.join(path.dirname(document), linked ?? "");
        if (quoted !== undefined && !top.has(quoted.split("/")[0] ?? "")) continue;
        if (await exists(path.join(root, name))) continue;
        faults.push(`${document}:${at + 1}: ${name} does not exist`);
      }
      for (const [, script = ""] of line.matchAll(SCRIPT)) {
        if (!scripts.has(script)) faults.push(`${document}:${at + 1}: npm run ${script} does not exist`);
      }
    }
  }
  return faults;
}

async function scriptsOf(root: string): Promise<ReadonlySet<string>> {
  const { scripts }: { readonly scripts: object } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  return new Set(Object.keys(scripts));
}

async function documents(root: string): Promise<readonly string[]> {
  const inside = await readdir(path.join(root, "docs"), { recursive: true });
  const all = [...(await readdir(root)), ...inside.map((name) => path.join("docs", name))];
  return all.filter((name) => name.endsWith(".md")).toSorted();
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
