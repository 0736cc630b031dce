/** `npm run policy -- explain`: reads the input and the source, asks OPA and our host, and writes what they say. */
import { randomBytes } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text as textOf } from "node:stream/consumers";
import { promisify } from "node:util";
import { AppError } from "../../core/domain/app-error.ts";
import { BUILTINS_AND_NETWORK } from "../../core/policy/builtins/registry.ts";
import { withRuntime } from "../../core/policy/builtins/runtime.ts";
import { type Said, statementOf } from "../../core/policy/asked/said.ts";
import { dataTextOf } from "../../core/policy/bundles/documents.ts";
import { compatResult } from "../../core/policy/compat-result.ts";
import { verdictOf } from "../../core/policy/decision-result.ts";
import { explain, type RuleExplanation } from "../../core/policy/explain/explain.ts";
import { loadAsked, type LoadedBundle } from "../../core/policy/explain/load-asked.ts";
import { recordedInput } from "../../core/policy/explain/recorded-inputs.ts";
import { parseValue } from "../../core/policy/rego-value/parse.ts";
import { systemClock } from "../../platform/clock.ts";
import { resolveTool } from "../tools/resolve-tool.ts";
import { fetchInputs } from "./fetch-inputs.ts";
import { explanationText } from "./explanation-text.ts";

export const HOST_DEPS = {
  builtins: withRuntime(BUILTINS_AND_NETWORK),
  randomBytes,
  monotonicMs: systemClock.monotonicMs,
};

type ExplainOptions = {
  readonly input?: string;
  readonly id?: string;
  readonly ops: string;
  readonly source: readonly string[];
  readonly bundle: string;
  readonly package?: string;
  readonly path?: string;
  readonly v0Compatible?: boolean;
};

const OPA_TIMEOUT_MS = 60_000;
const MAX_TRACE_BYTES = 256 * 1024 * 1024;

export async function explainInput(options: ExplainOptions): Promise<string> {
  const recorded = recordedInput(await inputText(options), "the input");
  const bundle = await loadAsked(options.bundle, HOST_DEPS, options.path);
  refuseOfOtherKind(bundle, options);
  const answered = bundle.ask(recorded.json, { nowNs: recorded.nowNs });
  const scratch = await mkdtemp(path.join(tmpdir(), "countersign-explain-"));
  try {
    const inputFile = path.join(scratch, "input.json");
    const dataFile = path.join(scratch, "data.json");
    await writeFile(inputFile, recorded.json);
    await writeFile(dataFile, await dataTextOf(bundle.files, [""]));
    const source = {
      ...{ files: await regoFiles(options.source), dataFiles: [dataFile], inputFile },
      ...{ nowNs: recorded.nowNs, compatPath: bundle.compatPath },
    };
    const explanation = await explain({ opa: await findOpa(options) }, source);
    refuseUnknownPackage(explanation.rules, options.package);
    return explanationText(explanation, {
      verdict: statementOf(answered.said).text,
      fuelUsed: answered.fuelUsed,
      revision: bundle.revision,
      bySource: statementOf(saidBySource(explanation.decision, bundle)).text,
      only: options.package,
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function saidBySource(decision: unknown, { compatPath }: LoadedBundle): Said {
  const value = decision === undefined ? undefined : parseValue(JSON.stringify(decision), "json");
  return compatPath === undefined
    ? { mode: "native", verdict: verdictOf(value) }
    : { mode: "compat", result: compatResult(value) };
}

function refuseOfOtherKind({ compatPath }: LoadedBundle, { path: asked, package: only }: ExplainOptions): void {
  const fault = (why: string) => new AppError("invalid_argument", why);
  if (compatPath === undefined && asked !== undefined)
    throw fault("--path is for policies of opa-envoy-plugin, and the bundle is one of countersign.policies");
  if (compatPath !== undefined && only !== undefined)
    throw fault(`--package is for countersign.policies; of this bundle the package of ${compatPath} is told`);
}

const POLICIES = "countersign.policies.";

/** Without this a misspelt name would look like a package of which no rule fired. */
function refuseUnknownPackage(rules: readonly RuleExplanation[], name: string | undefined): void {
  const known = new Set(rules.map(({ rule }) => rule.package).filter((one) => one.startsWith(POLICIES)));
  if (name === undefined || known.has(`${POLICIES}${name}`)) return;
  const names = [...known].map((one) => one.slice(POLICIES.length)).sort();
  throw new AppError("invalid_argument", `no package ${POLICIES}${name} in the source; it has: ${names.join(", ")}`);
}

async function inputText({ input, id, ops }: ExplainOptions): Promise<string> {
  if ((input === undefined) === (id === undefined)) throw new AppError("invalid_argument", "give --input or --id");
  return input === undefined ? fetchInputs(ops, id) : readText(input);
}

export async function readText(file: string): Promise<string> {
  return file === "-" ? textOf(process.stdin) : readFile(file, "utf8");
}

async function regoFiles(sources: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const source of sources) {
    const isFolder = (await stat(source)).isDirectory();
    const names = isFolder
      ? (await readdir(source, { recursive: true })).map((name) => path.join(source, name))
      : [source];
    found.push(...names.filter((name) => name.endsWith(".rego") && !name.endsWith("_test.rego")));
  }
  if (found.length === 0) throw new AppError("invalid_argument", `no Rego in ${sources.join(", ")}`);
  return found.sort();
}

/** @throws AppError unavailable without OPA */
async function findOpa({ v0Compatible }: ExplainOptions): Promise<(...args: readonly string[]) => Promise<string>> {
  const tool = await resolveTool("opa");
  if (tool.kind === "missing") throw new AppError("unavailable", `OPA is needed: ${tool.reason}; ${tool.help}`);
  const run = promisify(execFile);
  return async (command = "", ...more) => {
    const args = [command, ...(v0Compatible === true ? ["--v0-compatible"] : []), ...more];
    try {
      return (await run(tool.location, args, { timeout: OPA_TIMEOUT_MS, maxBuffer: MAX_TRACE_BYTES })).stdout;
    } catch (error) {
      const said = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
      const told = error instanceof Error && "stdout" in error ? String(error.stdout).slice(0, 4_096) : "";
      throw new AppError("invalid_argument", `OPA: ${said.trim() || told.trim() || String(error)}`, { cause: error });
    }
  };
}
