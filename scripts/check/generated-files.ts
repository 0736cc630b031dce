/**
 * Runs a generator and tells which files it changed. The changed files are left as the generator wrote them: they are what
 * has to be committed, and restoring them could overwrite what somebody edits meanwhile.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Generator } from "../generators.ts";
import { type CommandResult, runCommand } from "../tools/run-command.ts";

const timeoutMs = 300_000;

export function runGenerator(root: string, { script }: Generator): Promise<CommandResult> {
  return runCommand(process.execPath, [path.join(root, script)], { timeoutMs, cwd: root });
}

/** Throws when an output does not exist before or after the run: an empty comparison would always agree. */
export async function changedBy(root: string, generator: Generator): Promise<readonly string[]> {
  const before = await digests(root, generator.outputs);
  const result = await runGenerator(root, generator);
  if (result.kind === "failed") throw new Error(result.message);
  const after = await digests(root, generator.outputs);
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).toSorted();
}

async function digests(root: string, outputs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const output of outputs) {
    const full = path.join(root, output);
    const isFile = (await stat(full)).isFile();
    const entries = isFile ? [] : await readdir(full, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
    for (const file of isFile ? [full] : files) {
      found.set(
        path.relative(root, file),
        createHash("sha256")
          .update(await readFile(file))
          .digest("hex"),
      );
    }
  }
  return found;
}
