/** Files that failed beside another one and are run again: each test counts once, and what passed only then is known. */
import { expect, test } from "@jest/globals";
import { failedFiles, markedAgain } from "./again-alone.ts";
import { parseResults } from "./parse-results.ts";

const good = {
  name: "/good.test.ts",
  status: "passed",
  assertionResults: [
    { status: "passed", fullName: "a" },
    { status: "pending", fullName: "b" },
  ],
};
const bad = {
  name: "/bad.test.ts",
  status: "failed",
  assertionResults: [
    { status: "failed", fullName: "c" },
    { status: "passed", fullName: "d" },
  ],
};
const broken = { name: "/broken.test.ts", status: "failed", assertionResults: [] };
const textOf = (testResults: readonly object[], counts: object) => JSON.stringify({ ...counts, testResults });
const first = textOf([good, bad, broken], { numPassedTests: 2, numFailedTests: 1, numRuntimeErrorTestSuites: 1 });

test("what failed, and what did not even load, is run again whole, and counts no more in the first results", () => {
  const failed = failedFiles(first, () => true);
  expect(failed?.files).toEqual(["/bad.test.ts", "/broken.test.ts"]);
  expect([...(failed?.tests ?? [])]).toEqual(["/bad.test.ts > c", "/broken.test.ts"]);
  const rest = { passed: 1, failed: 0, brokenFiles: 0, skipped: ["/good.test.ts > b"], again: [] };
  expect(parseResults(failed?.rest ?? "")).toEqual(rest);
});

test("what is not to be run again stays failed", () => {
  const failed = failedFiles(first, (file) => file === "/broken.test.ts");
  expect(failed?.files).toEqual(["/broken.test.ts"]);
  expect(parseResults(failed?.rest ?? "")).toMatchObject({ passed: 2, failed: 1, brokenFiles: 0 });
});

test("a file whose tests passed and which failed outside of them stays failed where it is not to be run again", () => {
  const threw = { ...good, name: "/threw.test.ts", status: "failed" };
  const results = textOf([good, bad, threw], { numPassedTests: 3, numFailedTests: 1, numRuntimeErrorTestSuites: 0 });
  const failed = failedFiles(results, (file) => file === "/bad.test.ts");
  expect(failed?.files).toEqual(["/bad.test.ts"]);
  expect(parseResults(failed?.rest ?? "")).toMatchObject({ failed: 0, brokenFiles: 1 });
});

test("nothing is run again where nothing failed, and where there are no results", () => {
  expect(failedFiles(textOf([good], {}), () => true)).toBeUndefined();
  expect(failedFiles("not json", () => true)).toBeUndefined();
});

test("who passed only the second time is named, who passed both times is not, and who failed twice has failed", () => {
  const again = (status: string) =>
    markedAgain(
      textOf(
        [
          {
            ...bad,
            assertionResults: [
              { status, fullName: "c" },
              { status: "passed", fullName: "d" },
            ],
          },
        ],
        {
          numPassedTests: 1,
          numFailedTests: 1,
          numRuntimeErrorTestSuites: 0,
        },
      ),
      new Set(["/bad.test.ts > c"]),
    );
  expect(parseResults(again("passed"))?.again).toEqual(["/bad.test.ts > c"]);
  expect(parseResults(again("failed"))).toMatchObject({ failed: 1, again: [] });
  const loaded = { ...broken, status: "passed", assertionResults: [{ status: "passed", fullName: "e" }] };
  const counts = { numPassedTests: 1, numFailedTests: 0, numRuntimeErrorTestSuites: 0 };
  expect(parseResults(markedAgain(textOf([loaded], counts), new Set([broken.name])))?.again).toEqual([
    "/broken.test.ts > e",
  ]);
});
