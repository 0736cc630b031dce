/** Which tests run beside another, and that none is forgotten. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { batchesOf, twoAtATime } from "./beside.ts";
import { howToRun } from "./test-files.ts";

test.each([
  ["a fault", "test/fault/a.test.ts", ""],
  ["the whole system", "test/e2e/a.test.ts", ""],
  ["what passed of a time", "test/integration/a.test.ts", "expect(performance.now() - begun).toBeLessThan(9)"],
  ["memory", "test/integration/a.test.ts", 'import { heldBytes } from "../harness/held-bytes.ts";'],
  ["hostile input", "test/integration/hostile-input.test.ts", ""],
  ["a race", "test/integration/race.test.ts", ""],
])("nothing runs beside %s", (_what, name, text) => {
  expect(howToRun(name, text)).toBe("alone");
});

test("other integration tests and fuzzing run beside another, unit tests on workers", () => {
  expect(howToRun("test/integration/a.test.ts", "const clock = performance.now();")).toBe("beside");
  expect(howToRun("test/integration/approval/rest-fuzz.test.ts", "")).toBe("beside");
  expect(howToRun("test/docs/a.test.ts", "")).toBe("unit");
  expect(howToRun("core/fault/a.test.ts", "")).toBe("unit");
});

test("every file is in one batch, those that take long in batches of their own at the start, and a few are one batch", () => {
  const files = [...Array.from({ length: 90 }, (_, n) => `/a${n}.test.ts`), "/edge-matrix.test.ts", "/b-fuzz.test.ts"];
  const batches = batchesOf(files);
  expect(batches.flat().toSorted()).toEqual(files.toSorted());
  expect(batches.slice(0, 2).map(([first]) => first)).toEqual(["/edge-matrix.test.ts", "/b-fuzz.test.ts"]);
  expect(Math.max(...batches.map(({ length }) => length))).toBe(12);
  expect(batchesOf(files.slice(0, 8))).toHaveLength(1);
  expect(batchesOf([])).toEqual([]);
});

test("two jobs run at a time, never three, all run, and the answers keep the order", async () => {
  let running = 0;
  let most = 0;
  const jobs = [5, 1, 3, 1, 1].map((ms, index) => async () => {
    running += 1;
    most = Math.max(most, running);
    await sleep(ms);
    running -= 1;
    return index;
  });
  expect(await twoAtATime(jobs)).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});
