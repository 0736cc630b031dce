import { expect, test } from "@jest/globals";
import { growthPerCall } from "./held-bytes.ts";

test("a steady growth is seen through one bad moment; what is taken early and kept is none", () => {
  const steady = Array.from({ length: 10 }, (_, at) => 50e6 + at * 200 * 1_000);
  expect(growthPerCall(steady, 1_000)).toBeCloseTo(200);
  expect(growthPerCall(steady.with(4, 90e6), 1_000)).toBeCloseTo(200);
  expect(growthPerCall([50e6, ...Array.from({ length: 8 }, () => 51e6)], 1_000)).toBe(0);
});

test("of one measurement nothing is said", () => {
  expect(growthPerCall([50e6], 1_000)).toBeNaN();
});
