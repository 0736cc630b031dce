/**
 * The steps that need OPA: format, strict check against the generated input schema, and tests with a coverage gate, over
 * `rego/` and the sample policies.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { resolveTool } from "../tools/resolve-tool.ts";
import { runCommand } from "../tools/run-command.ts";
import { missingMetadata, type ParsedFile } from "./rego-metadata.ts";
import type { Step, StepOutcome } from "./step.ts";

const timeoutMs = 300_000;
/** Per cent of lines. The rest are rules that only a real request reaches; they are covered by test/e2e. */
const coverageThreshold = 95;
const schemaFolder = "rego/countersign/schema";
const ignore = ["schema", "*.tar.gz", "self-test.json"].flatMap((pattern) => ["--ignore", pattern]);

export function regoSteps(root: string): readonly Step[] {
  const folders = () => regoFolders(root);
  return [
    formatStep(root, folders),
    strictStep(root, folders),
    step(root, folders, `rego tests, coverage >= ${coverageThreshold} %`, (of) => [
      ...["test", "--coverage", "--threshold", String(coverageThreshold)],
      ...[...ignore, ...of],
    ]),
    {
      name: "rego metadata",
      async run(): Promise<StepOutcome> {
        const opa = await findOpa();
        if (opa.kind === "skipped") return opa;
        const parsed: ParsedFile[] = [];
        for (const file of (await regoFiles(root)).filter((name) => !name.endsWith("_test.rego"))) {
          const options = { timeoutMs, cwd: root };
          const result = await runCommand(opa.location, ["parse", "--format", "json", file], options);
          if (result.kind !== "done") return { kind: "bad", message: result.message };
          parsed.push({ file, ast: JSON.parse(result.output) });
        }
        const faults = missingMetadata(parsed);
        return faults.length === 0 ? { kind: "good" } : { kind: "bad", message: faults.join("\n") };
      },
    },
  ];
}

/** On the policies of somebody else, in `folder`: without a gate of coverage, and without our demand for METADATA. */
export function authorSteps(root: string, folder: string): readonly Step[] {
  const folders = async () => ((await hasRego(folder)) ? [folder] : []);
  return [
    formatStep(root, folders),
    strictStep(root, folders),
    step(root, folders, "rego tests", (of) => ["test", ...ignore, ...of]),
  ];
}

type Folders = () => Promise<readonly string[]>;

function formatStep(root: string, folders: Folders): Step {
  return step(root, folders, "rego format (opa fmt)", (of) => ["fmt", "--fail", "--list", ...of]);
}

function strictStep(root: string, folders: Folders): Step {
  return step(root, folders, "rego strict check", (of) => [
    ...["check", "--strict", "--schema", schemaFolder],
    ...[...ignore, ...of],
  ]);
}

function step(root: string, of: Folders, name: string, args: (folders: readonly string[]) => readonly string[]): Step {
  return {
    name,
    async run(): Promise<StepOutcome> {
      const opa = await findOpa();
      if (opa.kind === "skipped") return opa;
      const folders = await of();
      if (folders.length === 0) return { kind: "bad", message: "there is no .rego file" };
      const result = await runCommand(opa.location, args(folders), { timeoutMs, cwd: root });
      return result.kind === "done" ? { kind: "good" } : { kind: "bad", message: result.message };
    },
  };
}

async function findOpa(): Promise<{ readonly kind: "found"; readonly location: string } | Skipped> {
  const opa = await resolveTool("opa");
  if (opa.kind === "missing") return { kind: "skipped", message: `opa: ${opa.reason}; ${opa.help}` };
  return { kind: "found", location: opa.location };
}

type Skipped = Extract<StepOutcome, { kind: "skipped" }>;

/** The topmost folders below `rego` and `sample` that hold policies; not the built bundle, which is data. */
async function regoFolders(root: string): Promise<readonly string[]> {
  return [...new Set((await regoFiles(root)).map((file) => file.split(path.sep).slice(0, 2).join(path.sep)))];
}

async function hasRego(folder: string): Promise<boolean> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  return files.some((file) => file.endsWith(".rego"));
}

async function regoFiles(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const top of ["rego", "sample"]) {
    const files = await readdir(path.join(root, top), { recursive: true }).catch(() => []);
    found.push(...files.filter((file) => file.endsWith(".rego")).map((file) => path.join(top, file)));
  }
  return found.sort();
}
