/**
 * Runs files two at a time, as batches of which each is a jest of its own: in a jest with workers nobody would notice a test that leaves something
 * open, since workers are ended. The batches are about as large as each other, and small enough that the two end at about the same time.
 * In CI, a file in which something failed is run once more, alone (again-alone.ts); not what fails by chance (by-chance.ts).
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { failedFiles, markedAgain } from "./again-alone.ts";
import { BY_CHANCE } from "./by-chance.ts";
import { parseResults } from "./parse-results.ts";
import type { TestRun } from "./summary.ts";

/** What takes minutes begins first. */
const LONG = /fuzz|edge-matrix|bench\.test|logs-and-metrics|forgery|approval-crash|refused-starts/;
const MOST_BATCHES = 8;
const LEAST_FILES = 8;

type BesideOptions = {
  readonly files: readonly string[];
  readonly root: string;
  readonly isCi: boolean;
  readonly run: (outputFile: string, files: readonly string[]) => Promise<TestRun>;
  /** Where the result files are put. */
  readonly folder: string;
  readonly say: (line: string) => void;
};

export async function runBeside({ files, root, isCi, run, folder, say }: BesideOptions): Promise<readonly TestRun[]> {
  const batches = batchesOf(files).map((batch, index) => ({
    batch,
    output: path.join(folder, `beside-${index + 1}.json`),
  }));
  const jobs = batches.map(({ batch, output }) => async () => ({ output, done: await run(output, batch) }));
  const isWanted = (file: string) => !BY_CHANCE.test(path.relative(root, file));
  const runs: TestRun[] = [];
  const again: string[] = [];
  const tests = new Set<string>();
  for (const { output, done } of await twoAtATime(jobs)) {
    const failed = isCi && isWhole(done) ? failedFiles(await readFile(output, "utf8"), isWanted) : undefined;
    if (failed === undefined) {
      runs.push(done);
      continue;
    }
    await writeFile(output, failed.rest);
    const results = parseResults(failed.rest);
    runs.push({ ...done, results, exitCode: results?.failed === 0 && results.brokenFiles === 0 ? 0 : done.exitCode });
    again.push(...failed.files);
    for (const test of failed.tests) tests.add(test);
  }
  if (again.length === 0) return runs;
  for (const file of again) say(`failed beside another one, and is run again alone: ${path.relative(root, file)}`);
  const output = path.join(folder, "beside-again.json");
  const second = await run(output, again);
  if (second.results === undefined) return [...runs, second];
  const marked = markedAgain(await readFile(output, "utf8"), tests);
  await writeFile(output, marked);
  return [...runs, { ...second, results: parseResults(marked) }];
}

/** It ended by itself and left its results: what is wrong with it is that tests failed. */
function isWhole({ results, didNotExit, stuckAt, leaks }: TestRun): boolean {
  return results !== undefined && !didNotExit && stuckAt === undefined && leaks.length === 0;
}

export function batchesOf(files: readonly string[]): readonly (readonly string[])[] {
  const count = Math.min(MOST_BATCHES, Math.ceil(files.length / LEAST_FILES));
  // By name first: those of one folder are alike, and each batch gets its share of them.
  const sorted = files.toSorted().sort((one, other) => Number(LONG.test(other)) - Number(LONG.test(one)));
  return Array.from({ length: count }, (_, batch) => sorted.filter((_file, index) => index % count === batch));
}

/** In the order of `jobs`; the next one begins when one of the two ends. */
export async function twoAtATime<T>(jobs: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
  const results = new Map<number, T>();
  const left = [...jobs.entries()].values();
  const lane = async () => {
    for (const [index, job] of left) results.set(index, await job());
  };
  await Promise.all([lane(), lane()]);
  return [...results].toSorted(([one], [other]) => one - other).map(([, result]) => result);
}
