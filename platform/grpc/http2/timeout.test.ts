import { expect, test } from "@jest/globals";
import { timeoutMs } from "./timeout.ts";

test.each([
  ["2H", 7_200_000],
  ["3M", 180_000],
  ["4S", 4_000],
  ["500m", 500],
  ["500u", 0.5],
  ["1n", 1e-6],
  ["0m", 0],
  ["99999999S", 99_999_999_000],
])("%s is %d ms", (header, ms) => {
  expect(timeoutMs(header)).toBeCloseTo(ms, 9);
});

test.each([
  "",
  "soon",
  "5",
  "m",
  "-1m",
  "+1m",
  "1.5S",
  "1e3m",
  "100000000m",
  " 1m",
  "1m ",
  "1m, 2m",
  "1s",
  "0x1m",
  "١m",
])("%j is no time", (header) => {
  expect(timeoutMs(header)).toBeNaN();
});

test("none stated is no end", () => {
  expect(timeoutMs(undefined)).toBe(Number.POSITIVE_INFINITY);
});
