/**
 * `npm test`, `npm test -- PATH`, `npm test -- -t "name"`: runs jest several times, because unit tests may share the machine and not all that
 * start brokers, databases and proxies may: first the unit tests on two workers, then two at a time those that measure nothing, then the others
 * one file at a time (`test-run/test-files.ts`).
 *
 * Before the second the external tools are looked for and fetched once. What could not be had, and every test that was
 * skipped, is listed last as SKIPPED; with CI=true that is a failure. What programs said that tests started is searched for secrets at the end; one that
 * is found fails the run, whichever test it came from. jest's result files stay in the
 * folder TEST_RESULTS when that is set.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runBeside } from "./test-run/beside.ts";
import { runJest } from "./test-run/run-jest.ts";
import { searchLogs } from "./test-run/search-logs.ts";
import { formatSummary, type TestRun } from "./test-run/summary.ts";
import { listTests } from "./test-run/test-files.ts";
import { keepKafkaClasses } from "./tools/kafka-java.ts";
import { runCommand } from "./tools/run-command.ts";
import { resolveTool } from "./tools/resolve-tool.ts";
import { type MissingTool, toolNames } from "./tools/tool.ts";

const root = path.resolve(import.meta.dirname, "..");
const keptResults = process.env["TEST_RESULTS"];
const resultFolder = keptResults ?? (await mkdtemp(path.join(tmpdir(), "countersign-test-")));
const userArgs = process.argv.slice(2);
const isCi = process.env["CI"] === "true";
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Looks for all tools, fetching what is missing. */
async function findTools(): Promise<readonly MissingTool[]> {
  const missing: MissingTool[] = [];
  for (const name of toolNames) {
    const tool = await resolveTool(name, { fetch: true, say: (line) => say(`${name}: ${line}`) });
    if (tool.kind === "missing") missing.push(tool);
    else say(`${name} ${tool.version} (${tool.source})`);
  }
  return missing;
}

/** Brokers that tests start take them from there. */
async function keepClasses(): Promise<void> {
  const kafka = await resolveTool("kafka");
  if (kafka.kind !== "found") return;
  const classes = await keepKafkaClasses(kafka.location, path.join(root, ".tools"));
  if (classes !== undefined) process.env["TEST_KAFKA_CLASSES"] = classes;
}

const logFolder = await mkdtemp(path.join(tmpdir(), "countersign-test-logs-"));
let isFound = false;
await mkdir(resultFolder, { recursive: true });
const selected = await listTests(root, userArgs);
if (selected.kind === "failed") {
  process.stderr.write(`${selected.message}\n`);
  process.exitCode = 1;
} else if (Object.values(selected.files).flat().length === 0) {
  process.stderr.write(`no test matches: ${userArgs.join(" ")}\n`);
  process.exitCode = 1;
} else {
  const missing = selected.needsTools ? await findTools() : [];
  const runs: TestRun[] = [];
  const { unit, beside, alone } = selected.files;
  const run = (kind: TestRun["kind"], outputFile: string, files: readonly string[]) =>
    runJest({ kind, files, root, userArgs, outputFile, logFolder, isCi });
  if (unit.length > 0) runs.push(await run("unit", path.join(resultFolder, "unit.json"), unit));
  if (beside.length + alone.length > 0) {
    // Programs then run as at a second start; where it fails, as at a first one.
    await runCommand(process.execPath, ["scripts/bundle-for-start.ts"], { timeoutMs: 120_000, cwd: root });
    await keepClasses();
  }
  const inPairs = { files: beside, root, isCi, folder: resultFolder, say };
  runs.push(...(await runBeside({ ...inPairs, run: (file, files) => run("beside another", file, files) })));
  if (alone.length > 0) runs.push(await run("heavy", path.join(resultFolder, "heavy.json"), alone));
  const logs = await searchLogs(logFolder);
  isFound = logs.found.length > 0;
  const summary = formatSummary({ runs, logs, missing, isCi, root });
  say(summary.text);
  process.exitCode = summary.isGood ? 0 : 1;
}
if (!isFound) await rm(logFolder, { recursive: true, force: true });
if (keptResults === undefined) await rm(resultFolder, { recursive: true, force: true });
