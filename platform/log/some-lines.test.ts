import { expect, test } from "@jest/globals";
import { createSomeLines } from "./some-lines.ts";

test("ten lines at once, then one in six seconds that says how many were left out", () => {
  let nowMs = 0;
  const lines = createSomeLines({ monotonicMs: () => nowMs });
  const asked = Array.from({ length: 13 }, () => lines());
  expect(asked).toEqual([...Array.from({ length: 10 }, () => 0), undefined, undefined, undefined]);
  nowMs = 5_999;
  expect(lines()).toBeUndefined();
  nowMs = 6_000;
  expect([lines(), lines()]).toEqual([4, undefined]);
});
