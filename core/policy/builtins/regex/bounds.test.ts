/** The bounds of regular expressions: each call ends within the budget, whatever its pattern and its text make the matcher look at. */
import { describe, expect, test } from "@jest/globals";
import { RE2JS } from "re2js";
import { builtinCall, callBuiltin, runBuiltin } from "../../../../test/harness/run-builtin.ts";
import { threadMs } from "../../../../test/harness/thread-time.ts";
import { allowanceOf, DEFAULT_BUDGET } from "../../budget.ts";
import { BuiltinLimit } from "../../builtin.ts";
import { priceOf } from "../prices.ts";
import { expandedSize } from "./expanded-size.ts";

const LONG_MS = 4 * DEFAULT_BUDGET.timeMs;

/** Each of these looks at much more than its matches cover, or costs much before it begins. */
describe("no call of a regular expression lasts longer than four budgets before it is stopped", () => {
  const budget = allowanceOf(DEFAULT_BUDGET);
  const text = (unit: string, length: number) => unit.repeat(length / unit.length);
  test.each<readonly [string, string, string]>([
    ["all that is left, for each match", "a(.*b)?", text("a", 270_000)],
    ["the same where a literal is far away", "a(?:.*b)?", `${text("a", 270_000)}b`],
    ["a literal that stands at the end", "x|a(?:[^b]*b)?", `${text("a", 900_000)}b`],
    ["empty matches", "", text("a", 270_000)],
    ["many places at once", "(x{1,20}){1,10}y", `${text("x", 100_000)}y`],
    ["many places in a small text", "((a?){20}){20}b", `${text("a", 3_000)}b`],
    ["counted classes", "\\w{1,50}\\d", text("ab", 100_000)],
    ["characters beyond the basic plane", "(.*)(.*)(.*)(.*)b", `${text("😀", 100_000)}b`],
    ["a megabyte", "[ab]", text("ab", 1_000_000)],
  ])("%s", (_, pattern, searched) => {
    const price = priceOf("regex.find_n");
    const ms = threadMs(LONG_MS, () => {
      let left = budget.fuel;
      const pay = (units: number) => {
        left -= units;
        if (left < 0) throw new BuiltinLimit("not paid");
      };
      let answer = "limit";
      try {
        pay(price.call + (pattern.length + searched.length) * price.perCharacter);
        answer = runBuiltin("regex.find_n", JSON.stringify([pattern, searched, -1]), { ...builtinCall, pay });
      } catch (error) {
        if (!(error instanceof BuiltinLimit)) throw error;
      }
      expect(answer).toBe("limit");
    });
    expect(ms).toBeLessThan(LONG_MS);
  });

  test("patterns that change with each call pay for being compiled, constant ones once", () => {
    let paid = 0;
    const call = { ...builtinCall, pay: (units: number) => void (paid += units) };
    runBuiltin("regex.find_n", '["a.{0,200}b", "c", -1]', call);
    const first = paid;
    runBuiltin("regex.find_n", '["a.{0,200}b", "c", -1]', call);
    expect(paid - first).toBeLessThan(first / 10);
    const again = { ...builtinCall, pay: (units: number) => void (paid += units) };
    paid = 0;
    runBuiltin("regex.find_n", '["a.{0,200}b", "c", -1]', again);
    expect(paid).toBe(first);
  });
});

test("globs that would be exponential for a greedy matcher are answered", () => {
  const ms = threadMs(3_000, () => {
    expect(callBuiltin("regex.globs_match", `${".*a".repeat(150)}x`, `${".*a".repeat(150)}y`)).toBe("false");
  });
  expect(ms).toBeLessThan(3_000);
});

describe("a pattern is paid for before it is compiled", () => {
  test.each([
    ["counts in counts", `((${"[a-cx-z]b".repeat(50)}){30}){30}`],
    ["many parts, counted", `(?:${"[a-cx-z]b".repeat(1_000)}){4}`],
    ["classes of many ranges", "\\PL".repeat(3_000)],
    ["counts behind a bracket that is quoted", `\\Q[\\E(?:(?:${"ab".repeat(2_900)}){15}){15}]`],
    ["counts behind the bracket of a named class", `(?:${"ab".repeat(80)}[[:alpha:](]){1000}`],
    ["ranges without regard to case", "(?i)" + "[B-\\x{1e942}]".repeat(1_000)],
    ["classes without regard to case", "(?i)" + "\\PL".repeat(3_000)],
  ])("%s", (_, pattern) => {
    let paid = 0;
    const poor = {
      ...builtinCall,
      pay: (units: number) => {
        paid += units;
        if (units > 5_000_000) throw new BuiltinLimit("not paid");
      },
    };
    runBuiltin("regex.find_n", '["a", "a", 1]', poor);
    const ms = threadMs(10, () => {
      expect(runBuiltin("regex.find_n", JSON.stringify([pattern, "a", 1]), poor)).toBe("limit");
    });
    expect(ms).toBeLessThan(10);
    expect(paid).toBeGreaterThan(5_000_000);
  });

  test("of which the estimate is no more than twice the program", () => {
    for (const pattern of [
      "a.{0,200}b",
      "^/v1/[a-z]+/\\d{4}-\\d{2}$",
      "((a{30}){30}|[^]x]{2,}){1}",
      "(?i:abc)+",
      "a\\{9}[{9}]",
      "\\Q[{9}(\\E[)]x\\x{12}",
      "[[:alpha:](]{30}[[:(]",
      "[^]a\\]b]{20}",
    ]) {
      const size = RE2JS.compile(pattern).programSize();
      expect([pattern, expandedSize(pattern) > size / 3, expandedSize(pattern) < 2 * size]).toEqual([
        pattern,
        true,
        true,
      ]);
    }
  });
});
