import { expect, test } from "@jest/globals";
import { quantile } from "../figures.ts";
import { holds, secondAround, usualSecond } from "./seconds.ts";

const BEGUN = 1_000_000;
const STALLED_AT = BEGUN + 5_500;
const STALL_MS = 90;

/** 200 calls a second for 20 s that take a millisecond each, but for those that are due while the server is stalled. */
const run = {
  begunAtMs: BEGUN,
  calls: Array.from({ length: 4_000 }, (_, at) => {
    const atMs = BEGUN + at * 5;
    const isStalled = atMs >= STALLED_AT && atMs < STALLED_AT + STALL_MS;
    return { atMs, ms: isStalled ? STALLED_AT + STALL_MS - atMs : 1 };
  }),
};

test("one stall that the p99 of a whole run does not show is the p99 of the second around it, and not of another", () => {
  expect(
    quantile(
      run.calls.map(({ ms }) => ms),
      0.99,
    ),
  ).toBe(1);
  expect(usualSecond(run, 20)).toBe(1);
  expect(secondAround(run, STALLED_AT + 2_000)).toBe(1);
  expect(secondAround(run, STALLED_AT)).toBeGreaterThan(STALL_MS - 15);
});

test("a second that was measured in part only does not count", () => {
  expect(holds(run, 20, BEGUN + 499)).toBe(false);
  expect(holds(run, 20, BEGUN + 19_501)).toBe(false);
  expect(holds(run, 20, BEGUN + 500)).toBe(true);
});
