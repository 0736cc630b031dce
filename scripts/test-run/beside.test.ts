/** Which tests run beside another, and that none is forgotten. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { batchesOf, runBeside, twoAtATime } from "./beside.ts";
import { parseResults } from "./parse-results.ts";
import type { TestRun } from "./summary.ts";
import { howToRun } from "./test-files.ts";

test.each([
  ["a fault", "test/fault/a.test.ts", ""],
  ["a crash", "test/fault/crash-points.test.ts", ""],
  ["npm start", "test/e2e/a.test.ts", 'import { startAlone } from "../harness/npm-start.ts";'],
  ["a usual port", "test/e2e/a.test.ts", "http://127.0.0.1:8080"],
  ["what passed of a time", "test/integration/a.test.ts", "expect(performance.now() - begun).toBeLessThan(9)"],
  ["memory", "test/integration/a.test.ts", 'import { heldBytes } from "../harness/held-bytes.ts";'],
  ["how long a loop stalls", "test/bench/stalls/watch.test.ts", ""],
  ["hostile input", "test/integration/hostile-input.test.ts", ""],
  ["a race", "test/integration/race.test.ts", ""],
  ["a race of the whole system", "test/e2e/race.test.ts", ""],
  ["a consumer whose memory is looked at", "test/contract/a.test.ts", 'from "../../harness/held-bytes.ts"'],
])("nothing runs beside %s", (_what, name, text) => {
  expect(howToRun(name, text)).toBe("alone");
});

test.each([
  ["test/integration/a.test.ts", "const clock = performance.now();"],
  ["test/integration/approval/rest-fuzz.test.ts", ""],
  ["test/integration/refused-starts.test.ts", ""],
  ["test/e2e/a.test.ts", ""],
  ["test/contract/stream/a.test.ts", ""],
  ["test/bench/a.test.ts", ""],
  ["test/fault/forgery.test.ts", "const ms = performance.now() - begin;"],
])("%s runs beside another", (name, text) => {
  expect(howToRun(name, text)).toBe("beside");
});

test("unit tests run on workers", () => {
  expect(howToRun("test/docs/a.test.ts", "")).toBe("unit");
  expect(howToRun("core/fault/a.test.ts", "")).toBe("unit");
});

test("every file is in one batch, those that take long in batches of their own at the start, and a few are one batch", () => {
  const files = [...Array.from({ length: 90 }, (_, n) => `/a${n}.test.ts`), "/edge-matrix.test.ts", "/b-fuzz.test.ts"];
  const batches = batchesOf(files);
  expect(batches.flat().toSorted()).toEqual(files.toSorted());
  expect(batches.slice(0, 2).map(([first]) => first)).toEqual(["/b-fuzz.test.ts", "/edge-matrix.test.ts"]);
  expect(Math.max(...batches.map(({ length }) => length))).toBe(12);
  expect(batchesOf(files.slice(0, 8))).toHaveLength(1);
  expect(batchesOf([])).toEqual([]);
});

test("two jobs run at a time, never three, all run, and the answers keep the order", async () => {
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const jobs = ends.map(({ promise }, index) => async () => {
    begun.push(index);
    await promise;
    return index;
  });
  const all = twoAtATime(jobs);
  expect(begun).toEqual([0, 1]);
  for (const [over, next] of [
    [1, 2],
    [2, 3],
  ] as const) {
    ends[over]?.resolve();
    await nextTurn();
    expect(begun.at(-1)).toBe(next);
    expect(begun).toHaveLength(next + 1);
  }
  for (const { resolve } of ends) resolve();
  expect(await all).toEqual([0, 1, 2, 3]);
});

test("in CI a file that failed is run again, alone and once, but for what fails by chance, and elsewhere none is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "beside-"));
  const ran: (readonly string[])[] = [];
  const run = async (output: string, files: readonly string[]): Promise<TestRun> => {
    ran.push(files);
    const isFirst = !output.endsWith("beside-again.json");
    const testResults = files.map((name) => {
      const status = isFirst && /bad|fuzz/.test(name) ? "failed" : "passed";
      return { name, status, assertionResults: [{ status, fullName: "a" }] };
    });
    const failed = testResults.filter(({ status }) => status === "failed").length;
    const counts = { numPassedTests: files.length - failed, numFailedTests: failed, numRuntimeErrorTestSuites: 0 };
    const text = JSON.stringify({ ...counts, testResults });
    await writeFile(output, text);
    const ended = { didNotExit: false, stuckAt: undefined, leaks: [], exitCode: failed === 0 ? 0 : 1 };
    return { kind: "beside another", seconds: 1, results: parseResults(text), ...ended };
  };
  const files = ["/r/good.test.ts", "/r/bad.test.ts", "/r/a-fuzz.test.ts"];
  const options = { files, root: "/r", run, folder, say: () => {} };
  const outcomes = (runs: readonly TestRun[]) =>
    runs.map(({ results, exitCode }) => [results?.passed, results?.failed, results?.again, exitCode]);
  expect(outcomes(await runBeside({ ...options, isCi: false }))).toEqual([[1, 2, [], 1]]);
  expect(ran).toHaveLength(1);
  expect(outcomes(await runBeside({ ...options, isCi: true }))).toEqual([
    [1, 1, [], 1],
    [1, 0, ["/r/bad.test.ts > a"], 0],
  ]);
  expect(ran.slice(2)).toEqual([["/r/bad.test.ts"]]);
  await rm(folder, { recursive: true });
});
