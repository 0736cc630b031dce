import { describe, expect, test } from "@jest/globals";
import { builtinCall } from "../../../test/harness/run-builtin.ts";
import { BuiltinError, BuiltinLimit } from "../builtin.ts";
import { RegoNumber } from "../rego-value/value.ts";
import { writeRego } from "../rego-value/write.ts";
import { ARITHMETIC } from "./arithmetic.ts";

function run(name: string, ...texts: readonly string[]): string {
  const value = ARITHMETIC.get(name)?.(
    texts.map((text) => new RegoNumber(text)),
    builtinCall,
  );
  return value === undefined ? "undefined" : writeRego(value);
}

function fold(name: string, ...texts: readonly string[]): string {
  const items = texts.map((text) => new RegoNumber(text));
  return writeRego(ARITHMETIC.get(name)?.([items], builtinCall) ?? null);
}

describe("what is no answer", () => {
  test.each([
    ["div", "1", "0.0"],
    ["rem", "1", "0"],
    ["rem", "1.5", "1"],
  ])("%s of %s and %s is an error", (name, a, b) => {
    expect(() => run(name, a, b)).toThrow(BuiltinError);
  });

  test.each(["1e1000000000", "1e-1000000000", "1".repeat(6_000)])("a number beyond all use ends it", (text) => {
    for (const name of ["plus", "mul", "div"]) expect(() => run(name, text, "1.5")).toThrow(BuiltinLimit);
  });

  test("a product whose digits grow without end is stopped", () => {
    expect(() => fold("product", ...Array.from({ length: 2_000 }, () => "123456789012345678901"))).toThrow(
      BuiltinLimit,
    );
  });
});

/** Each answer is what `opa eval` of OPA 1.20.2 gives for the same operands. */
describe("the digits are OPA's", () => {
  test.each<[string, string[], string]>([
    ["plus", ["0.1", "0.2"], "0.3"],
    [
      "plus",
      ["1.7976931348623157e308", "1"],
      "179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    ],
    ["plus", ["18446744073709551617.0", "1"], "18446744073709551618"],
    ["plus", ["4.1024448e+09", "0"], "4102444800"],
    ["minus", ["1", "0.9"], "0.10000000000000000002"],
    ["minus", ["1.7673230455e+09", "1700000000"], "6.73230455e+07"],
    ["minus", ["0.3", "0.3"], "0"],
    [
      "mul",
      ["1e200", "1e200"],
      "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ],
    ["mul", ["2.50", "2"], "5"],
    ["mul", ["0.1", "3"], "0.3"],
    ["mul", ["1e-7", "1"], "1e-07"],
    ["div", ["1", "3"], "0.33333333333333333334"],
    ["div", ["0", "-5"], "-0"],
    ["div", ["7", "2"], "3.5"],
    ["div", ["2", "3"], "0.6666666666666666667"],
    ["rem", ["-5", "3"], "-2"],
    ["rem", ["10", "18446744073709551616"], "10"],
    ["rem", ["5.0", "3"], "2"],
    ["abs", ["-1.50"], "1.5"],
    ["abs", ["-12345678901234567890123"], "12345678901234567890000"],
    ["round", ["2.5"], "3"],
    ["round", ["-2.5"], "-3"],
    ["round", ["1e30"], "1000000000000000000024696061952"],
    ["ceil", ["-0.5"], "1"],
    ["ceil", ["1.01"], "2"],
    ["floor", ["-1.5"], "-2"],
    ["floor", ["123456789.5"], "123456789"],
  ])("%s of %j", (name, operands, want) => {
    expect(run(name, ...operands)).toBe(want);
  });

  test("a sum keeps 64 bits, a product 53, and integers all their digits", () => {
    expect(fold("sum", "0.1", "0.2")).toBe("0.3");
    expect(fold("sum", "0.1", "0.2", "18446744073709551617")).toBe("18446744073709551616");
    expect(fold("sum", "1", "18446744073709551617")).toBe("18446744073709551618");
    expect(fold("product", "0.1", "3")).toBe("0.30000000000000004");
    expect(fold("product")).toBe("1");
  });
});

test("digits that have to be searched cost more than those of a double", () => {
  const paidFor = (name: string, ...texts: readonly string[]): number => {
    let paid = 0;
    const pay = (units: number) => {
      paid += units;
    };
    const numbers = texts.map((text) => new RegoNumber(text));
    ARITHMETIC.get(name)?.(numbers, { ...builtinCall, pay });
    return paid;
  };
  expect(paidFor("div", "10", "7") - paidFor("div", "10", "4")).toBeGreaterThanOrEqual(18_000);
  expect(paidFor("mul", "0.1", "3.33333333333333333333") - paidFor("mul", "0.1", "3.33")).toBeGreaterThanOrEqual(
    18_000,
  );
  expect(paidFor("plus", "0.1", "0.7")).toBe(paidFor("plus", "0.1", "0.2"));
});
