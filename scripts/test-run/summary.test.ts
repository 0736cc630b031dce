/** The end of `npm test`: when it is red although no test failed, and what people read there. */
import { expect, test } from "@jest/globals";
import { parseResults } from "./parse-results.ts";
import { formatSummary, type TestRun } from "./summary.ts";

const good: TestRun = {
  kind: "unit",
  seconds: 3.2,
  results: { passed: 7, failed: 0, brokenFiles: 0, skipped: [], again: [] },
  didNotExit: false,
  stuckAt: undefined,
  leaks: [],
  exitCode: 0,
};
const logs = { folder: "/logs", files: 3, bytes: 1_500_000, found: [] };
const base = { runs: [good], logs, missing: [], isCi: true, root: "/repo" };
const noEnvoy = { kind: "missing", name: "envoy", reason: "python3 is not installed", help: "install Python" } as const;

test("a missing tool is a failure in CI and only a skip elsewhere, listed with the way to get it", () => {
  const inCi = formatSummary({ ...base, missing: [noEnvoy] });
  expect(inCi.isGood).toBe(false);
  expect(inCi.text).toMatch(/SKIPPED[^]*envoy: python3 is not installed[^]*to get it: install Python/);
  expect(formatSummary({ ...base, missing: [noEnvoy], isCi: false }).isGood).toBe(true);
});

test("a skipped test is a failure in CI, and its file is named", () => {
  const run = {
    ...good,
    results: { passed: 1, failed: 0, brokenFiles: 0, skipped: ["/repo/test/e2e/a.test.ts > a b"], again: [] },
  };
  const summary = formatSummary({ ...base, runs: [run] });
  expect(summary.isGood).toBe(false);
  expect(summary.text).toMatch(/1 tests in test\/e2e\/a\.test\.ts$/m);
});

test("what a skipped test needs is said, when its name says it", () => {
  const skipped = ["/repo/a.test.ts > something (needs Go 1.25 or newer) works"];
  const run = { ...good, results: { passed: 1, failed: 0, brokenFiles: 0, skipped, again: [] } };
  expect(formatSummary({ ...base, runs: [run] }).text).toContain("1 tests in a.test.ts (needs Go 1.25 or newer)");
});

test("a test that passed only when it was run again is named", () => {
  const results = { passed: 1, failed: 0, brokenFiles: 0, skipped: [], again: ["/repo/test/e2e/a.test.ts > a b"] };
  expect(formatSummary(base).text).not.toContain("AGAIN");
  expect(formatSummary({ ...base, runs: [{ ...good, results }] }).text).toMatch(
    /PASSED ONLY WHEN RUN AGAIN[^]*test\/e2e\/a\.test\.ts > a b/,
  );
});

test("a file that did not load, a jest without results and a jest that hangs each count as failed", () => {
  const broken = { ...good, results: { passed: 0, failed: 0, brokenFiles: 1, skipped: [], again: [] }, exitCode: 1 };
  const lost = { ...good, results: undefined, exitCode: 1 };
  const hanging = { ...good, didNotExit: true, exitCode: 1 };
  const summary = formatSummary({ ...base, runs: [broken, lost, hanging] });
  expect(summary.isGood).toBe(false);
  expect(summary.text).toContain("tests: 7 passed, 3 failed, 0 skipped");
});

test("a file that holds up the run is a failure, and is named", () => {
  const stuck = { ...good, results: undefined, stuckAt: "/repo/test/e2e/a.test.ts", exitCode: 1 };
  const summary = formatSummary({ ...base, runs: [stuck] });
  expect(summary.isGood).toBe(false);
  expect(summary.text).toContain("FAILED, stopped at test/e2e/a.test.ts, which did not end");
  expect(summary.text).toContain("tests: 0 passed, 1 failed, 0 skipped");
});

test("a warning of too many listeners is a failure, and is shown", () => {
  const leak = "MaxListenersExceededWarning: 11 exit listeners added to [process]";
  const summary = formatSummary({ ...base, runs: [{ ...good, leaks: [leak] }] });
  expect(summary.isGood).toBe(false);
  expect(summary.text).toContain(leak);
  expect(summary.text).toContain("tests: 7 passed, 1 failed, 0 skipped");
});

test("a secret in a log is a failure although every test passed, with file and line", () => {
  const found = ["a.test.ts.1-1.decision.log:7: a whole token: {⟨here⟩"];
  const summary = formatSummary({ ...base, logs: { ...logs, found } });
  expect(summary.isGood).toBe(false);
  expect(summary.text).toMatch(
    /FAILED: 3 logs of programs \(1\.5 MB\)[^]*\/logs[^]*a\.test\.ts\.1-1\.decision\.log:7: a whole token/,
  );
  expect(summary.text).toContain("tests: 7 passed, 1 failed, 0 skipped");
  expect(formatSummary(base).text).toContain("3 logs of programs (1.5 MB) searched for secrets");
});

test("everything run and passed is good, and the totals come last", () => {
  const summary = formatSummary({ ...base, runs: [good, { ...good, kind: "heavy" }] });
  expect(summary.isGood).toBe(true);
  expect(summary.text.split("\n").at(-1)).toBe("tests: 14 passed, 0 failed, 0 skipped");
});

test("a result file that is not as expected is unreadable, not empty", () => {
  expect(parseResults("{}")).toBeUndefined();
  expect(parseResults("not json")).toBeUndefined();
  expect(
    parseResults(
      JSON.stringify({
        numPassedTests: 1,
        numFailedTests: 0,
        numRuntimeErrorTestSuites: 0,
        testResults: [
          {
            name: "/a",
            assertionResults: [
              { status: "pending", fullName: "x" },
              { status: "passed", invocations: 1 },
              { status: "passed", fullName: "y", invocations: 2 },
              { status: "failed", fullName: "z", invocations: 2 },
            ],
          },
        ],
      }),
    ),
  ).toEqual({ passed: 1, failed: 0, brokenFiles: 0, skipped: ["/a > x"], again: ["/a > y"] });
});

test("that no log was kept of what programs said is a failure in CI, where tests start some", () => {
  const none = { ...base, logs: { ...logs, files: 0, bytes: 0 } };
  const heavy = { ...good, kind: "heavy" } as const;
  expect(formatSummary({ ...none, runs: [good, heavy] })).toMatchObject({
    isGood: false,
    text: expect.stringContaining("FAILED: no log of a program was kept"),
  });
  expect(formatSummary({ ...none, runs: [good, heavy], isCi: false }).isGood).toBe(true);
  expect(formatSummary(none).isGood).toBe(true);
});
