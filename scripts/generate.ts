/**
 * `npm run generate`: writes every generated file anew (generators.ts). Run it after a change of a .proto file, a TypeBox
 * schema or a policy, and commit what changed.
 */
import path from "node:path";
import { runGenerator } from "./check/generated-files.ts";
import { generators } from "./generators.ts";

const root = path.resolve(import.meta.dirname, "..");
for (const generator of generators) {
  const result = await runGenerator(root, generator);
  process.stdout.write(`${generator.script}: ${result.kind === "done" ? "done" : result.message}\n`);
  if (result.kind === "failed") process.exitCode = 1;
}
