/**
 * Rules about what a file does beside importing: the domain is pure (1), and the environment is read in one place (5).
 */
import type { Broken } from "./allowed.ts";
import { isTestFile, roomOf } from "./room.ts";
import type { SourceFile } from "./source-file.ts";

export function brokenFacts(file: SourceFile): readonly (Broken & { readonly line: number })[] {
  const room = roomOf(file.path);
  if (isTestFile(file.path) || ["test", "scripts", "sample", "gen", "outside"].includes(room.kind)) return [];
  if (room.kind === "domain") {
    return file.uses.map(({ name, line }) => ({ rule: 1, reason: `the domain is pure: no ${name}`, line }));
  }
  if (file.path.endsWith("/config.ts")) return [];
  const reads = [
    ...file.uses.filter(({ name }) => name === "process.env"),
    ...file.imports.filter(({ specifier }) => specifier === "node:process" || specifier === "process"),
  ];
  return reads.map(({ line }) => ({ rule: 5, reason: "only config.ts reads process.env", line }));
}
