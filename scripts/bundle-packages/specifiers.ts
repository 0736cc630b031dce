/**
 * Which packages are bundled: every one, or part of one, that a source of the programs imports; all of them, so that none is ever there twice. The
 * list is a file (specifiers.json, by `npm run generate`), since a bundle is named by it: one that lacks what a source imports by now is not met.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";

export const SPECIFIERS = path.join(import.meta.dirname, "specifiers.json");

export async function readSpecifiers(): Promise<readonly string[]> {
  const list: readonly string[] = JSON.parse(await readFile(SPECIFIERS, "utf8"));
  return list;
}
