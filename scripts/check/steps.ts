/**
 * The steps of `npm run check` that need npm packages only, in order of speed of feedback: types, lint, format, import
 * rules, exports, store functions, names in documents, protocol style, generated files.
 */
import path from "node:path";
import { generators } from "../generators.ts";
import { checkTree } from "../import-rules/check-tree.ts";
import { resolveTool } from "../tools/resolve-tool.ts";
import { runCommand } from "../tools/run-command.ts";
import { changedBy } from "./generated-files.ts";
import { missingNames } from "./named-files.ts";
import { needlessExports } from "./needless-exports.ts";
import { severalStatements, strayStatements } from "./one-statement.ts";
import type { Step, StepOutcome } from "./step.ts";

const timeoutMs = 600_000;

/** A step that is one program of node_modules/.bin. */
function program(root: string, name: string, command: string, ...args: readonly string[]): Step {
  return {
    name,
    async run() {
      const result = await runCommand(path.join(root, "node_modules/.bin", command), args, { timeoutMs, cwd: root });
      return result.kind === "done" ? { kind: "good" } : { kind: "bad", message: result.message };
    },
  };
}

export function sourceSteps(root: string): readonly Step[] {
  return [
    program(root, "types (tsc)", "tsc", "-p", "."),
    program(root, "lint (oxlint)", "oxlint", "--type-aware", "--deny-warnings", "--format=unix"),
    program(root, "format (biome)", "biome", "format", "."),
    { name: "import rules", run: async () => outcome(await checkTree(root)) },
    { name: "exports that nobody imports", run: async () => outcome(await needlessExports(root)) },
    {
      name: "SQL in the store, one statement per function",
      run: async () => outcome([...(await strayStatements(root)), ...(await severalStatements(root))]),
    },
    { name: "documents: files they name, marks of conflicts", run: async () => outcome(await missingNames(root)) },
    program(root, "protocol style (buf)", "buf", "lint", "proto"),
  ];
}

/** One step per generator: running it changes nothing that is committed. */
export function generatedSteps(root: string): readonly Step[] {
  return generators.map((generator) => ({
    name: `up to date: ${generator.script}`,
    async run() {
      const tool = generator.tool === undefined ? undefined : await resolveTool(generator.tool);
      if (tool?.kind === "missing") return { kind: "skipped", message: `${tool.name}: ${tool.reason}; ${tool.help}` };
      const changed = await changedBy(root, generator);
      return outcome(changed.map((file) => `${file} was not up to date; it is now: commit it (npm run generate)`));
    },
  }));
}

function outcome(faults: readonly string[]): StepOutcome {
  return faults.length === 0 ? { kind: "good" } : { kind: "bad", message: faults.join("\n") };
}
