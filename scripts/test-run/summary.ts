/**
 * The last lines of `npm test`: what each half did, what was SKIPPED and how to get it, and one line of totals. Skipping is
 * good enough on a developer's machine and a failure in CI, where it would hide that nothing was shown. A test that CI had to
 * run twice is named.
 */
import path from "node:path";
import type { MissingTool } from "../tools/tool.ts";
import type { TestResults } from "./parse-results.ts";
import type { SearchedLogs } from "./search-logs.ts";

export type TestRun = {
  readonly kind: "unit" | "beside another" | "heavy";
  readonly seconds: number;
  /** Undefined when jest left no readable result file. */
  readonly results: TestResults | undefined;
  readonly didNotExit: boolean;
  /** The file that it did not get on with, and at which it was stopped. */
  readonly stuckAt: string | undefined;
  /** What Node warned of where something is registered again and again and never taken away. */
  readonly leaks: readonly string[];
  readonly exitCode: number;
};

type SummaryInput = {
  readonly runs: readonly TestRun[];
  readonly logs: SearchedLogs;
  readonly missing: readonly MissingTool[];
  readonly isCi: boolean;
  readonly root: string;
};

/** In the name of a test or of what is around it: what it cannot do without, where that is none of the tools. */
const NEEDS = /\(needs [^)]+\)/;

export function formatSummary({ runs, logs, missing, isCi, root }: SummaryInput): {
  readonly text: string;
  readonly isGood: boolean;
} {
  const lines = ["", ...runs.map((run) => formatRun(run, root))];
  const skipped = runs.flatMap((run) => run.results?.skipped ?? []);
  const isIncomplete = missing.length + skipped.length > 0;
  if (isIncomplete) lines.push("", `SKIPPED${isCi ? " (with CI=true this is a failure)" : ""}`);
  for (const tool of missing) lines.push(`  ${tool.name}: ${tool.reason}`, `    to get it: ${tool.help}`);
  for (const [file, count] of countByFile(skipped)) {
    const reason = skipped.find((entry) => entry.startsWith(`${file} > `))?.match(NEEDS)?.[0];
    lines.push(`  ${count} tests in ${path.relative(root, file)}${reason === undefined ? "" : ` ${reason}`}`);
  }
  const again = runs.flatMap((run) => run.results?.again ?? []);
  if (again.length > 0)
    lines.push("", "PASSED ONLY WHEN RUN AGAIN (counted as passed; what failed first stands above)");
  for (const test of again) lines.push(`  ${path.relative(root, test)}`);

  // A search that is handed nothing finds nothing: the tests of CI start programs.
  const isUnsearched = isCi && logs.files === 0 && runs.some(({ kind }) => kind !== "unit");
  lines.push(
    "",
    ...(isUnsearched ? ["FAILED: no log of a program was kept to be searched for secrets"] : formatLogs(logs)),
  );

  const passed = sum(runs, (results) => results.passed);
  const failed =
    sum(runs, (results) => results.failed + results.brokenFiles) +
    runs.filter(isLost).length +
    (logs.found.length > 0 || isUnsearched ? 1 : 0);
  const isGood = failed === 0 && runs.every((run) => run.exitCode === 0) && !(isCi && isIncomplete);
  lines.push("", `tests: ${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  return { text: lines.join("\n"), isGood };
}

function formatRun(run: TestRun, root: string): string {
  const seconds = `${run.seconds.toFixed(0)} s`;
  if (run.stuckAt !== undefined)
    return `${run.kind}: FAILED, stopped at ${path.relative(root, run.stuckAt)}, which did not end; what came before it stands above, ${seconds}`;
  if (run.results === undefined)
    return `${run.kind}: FAILED, jest left no readable results (exit ${run.exitCode}), ${seconds}`;
  const { passed, failed, brokenFiles, skipped } = run.results;
  const broken = brokenFiles === 0 ? "" : `, ${brokenFiles} files did not load`;
  const hung = run.didNotExit ? "; FAILED: did not end by itself, a test leaves something open" : "";
  const leaks = run.leaks.map((leak) => `\n  FAILED: ${leak}`).join("");
  return `${run.kind}: ${passed} passed, ${failed} failed, ${skipped.length} skipped${broken}, ${seconds}${hung}${leaks}`;
}

function formatLogs({ folder, files, bytes, found }: SearchedLogs): readonly string[] {
  const searched = `${files} logs of programs (${(bytes / 1e6).toFixed(1)} MB) searched for secrets`;
  if (found.length === 0) return [searched];
  return [`FAILED: ${searched}, and found (all are kept in ${folder}):`, ...found.map((one) => `  ${one}`)];
}

/** A run whose failure no test count shows. */
function isLost(run: TestRun): boolean {
  return run.results === undefined || run.didNotExit || run.stuckAt !== undefined || run.leaks.length > 0;
}

function sum(runs: readonly TestRun[], count: (results: TestResults) => number): number {
  return runs.reduce((total, run) => total + (run.results === undefined ? 0 : count(run.results)), 0);
}

function countByFile(skipped: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const entry of skipped) {
    const file = entry.slice(0, entry.indexOf(" > "));
    counts.set(file, (counts.get(file) ?? 0) + 1);
  }
  return counts;
}
