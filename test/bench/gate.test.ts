/** What fails a build, told from the text of a benchmark. */
import { expect, test } from "@jest/globals";
import { goal } from "./figures.ts";
import { gateOf } from "./gate.ts";
import { atLeast, atMost } from "./load/interleave.ts";

test.each([
  ["a ratio that is too small", atLeast(0.33, 0.4)],
  ["one that is too large", atMost(1.4, 1.15)],
  ["one that should be below", goal(2.4, false, "< 2")],
  ["thousands", atMost(1_300_000, 1_000_000)],
  ["one that is no number", atLeast(Number.NaN, 0.4)],
])("%s, by more than 15 %%, is far from its goal", (_what, written) => {
  expect(gateOf(`| a | ${written} |`)).toEqual({ looked: 1, far: [written] });
});

test.each([
  ["met", atLeast(0.9, 0.4)],
  ["missed by a tenth", atLeast(0.36, 0.4)],
  ["missed upwards by a tenth", atMost(1.26, 1.15)],
])("what is %s is not", (_what, written) => {
  expect(gateOf(`${written}, and 12,265 of nothing`)).toEqual({ looked: 1, far: [] });
});
