/**
 * The steps that need OPA: format, strict check against the generated input schema, and tests with a coverage gate, over
 * `rego/` and the sample policies.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { resolveTool } from "../tools/resolve-tool.ts";
import { runCommand } from "../tools/run-command.ts";
import type { Step, StepOutcome } from "./step.ts";

const timeoutMs = 300_000;
/** Per cent of lines. The rest are rules that only a real request reaches; they are covered by test/e2e. */
const coverageThreshold = 95;
const schemaFolder = "rego/countersign/schema";
const ignore = ["schema", "*.tar.gz"].flatMap((pattern) => ["--ignore", pattern]);

export function regoSteps(root: string): readonly Step[] {
  return [
    step(root, "rego format (opa fmt)", (folders) => ["fmt", "--fail", "--list", ...folders]),
    step(root, "rego strict check", (folders) => [
      "check",
      "--strict",
      "--schema",
      schemaFolder,
      ...ignore,
      ...folders,
    ]),
    step(root, `rego tests, coverage >= ${coverageThreshold} %`, (folders) => [
      "test",
      "--coverage",
      "--threshold",
      String(coverageThreshold),
      ...ignore,
      ...folders,
    ]),
  ];
}

function step(root: string, name: string, args: (folders: readonly string[]) => readonly string[]): Step {
  return {
    name,
    async run(): Promise<StepOutcome> {
      const opa = await resolveTool("opa");
      if (opa.kind === "missing") return { kind: "skipped", message: `opa: ${opa.reason}; ${opa.help}` };
      const folders = await regoFolders(root);
      if (folders.length === 0) return { kind: "bad", message: "there is no .rego file in rego/ or sample/" };
      const result = await runCommand(opa.location, args(folders), { timeoutMs, cwd: root });
      return result.kind === "done" ? { kind: "good" } : { kind: "bad", message: result.message };
    },
  };
}

/** The topmost folders below `rego` and `sample` that hold policies; not the built bundle, which is data. */
async function regoFolders(root: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const top of ["rego", "sample"]) {
    const files = await readdir(path.join(root, top), { recursive: true }).catch(() => []);
    for (const file of files) {
      if (!file.endsWith(".rego")) continue;
      found.add(path.join(top, file.split(path.sep)[0] ?? ""));
    }
  }
  return [...found];
}
