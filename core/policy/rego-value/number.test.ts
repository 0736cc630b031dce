import { describe, expect, test } from "@jest/globals";
import { threadMs } from "../../../test/harness/thread-time.ts";
import { canonicalNumberText, compareNumberText, integerOf, parseDecimal } from "./number.ts";

describe("numbers that a client chose to take long", () => {
  const million = 1_000_000;
  test.each([
    ["zeros inside", `1${"0".repeat(million)}1`],
    ["nothing but nines", "9".repeat(million)],
    ["zeros behind the point", `0.${"0".repeat(million)}1`],
    ["an exponent beyond all numbers", `1e${"9".repeat(1_000)}`],
  ])("%s", (_, text) => {
    const ms = threadMs(1_000, () => {
      expect(compareNumberText(text, `${text.startsWith("0") ? "" : "-"}${text}`)).toBe(text.startsWith("0") ? 0 : 1);
      expect(canonicalNumberText(text)).toBe(canonicalNumberText(text));
      expect(integerOf(text)).toBeUndefined();
    });
    expect(ms).toBeLessThan(1_000);
  });
});

test("equal numbers have one canonical text, others have others", () => {
  const same = ["1", "1.0", "1.", "10e-1", "0.1e1", "100e-2"];
  expect(new Set(same.map(canonicalNumberText))).toEqual(new Set(["1e0"]));
  expect(canonicalNumberText("-0.0")).toBe(canonicalNumberText("0e7"));
  expect(canonicalNumberText("100")).toBe(canonicalNumberText("1e2"));
  expect(canonicalNumberText("-1")).not.toBe(canonicalNumberText("1"));
  expect(canonicalNumberText("1e6000")).toBe(canonicalNumberText("10e5999"));
  expect(canonicalNumberText("1e6000")).not.toBe(canonicalNumberText("1e6001"));
});

test("what is no number is none", () => {
  for (const text of ["", "-", ".5", "1e", "0x1", "1 "]) expect(parseDecimal(text)).toBeUndefined();
});
