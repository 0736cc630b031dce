/**
 * Binary floating point with a mantissa of some bits, as Go's math/big.Float, in which OPA computes: `0.1 + 0.2` is `0.3`
 * there and `1 / 3` is `0.33333333333333333334`. Rounded to nearest, halves to even. No infinities: a number whose
 * exponent is far beyond anything that is computed with ends the evaluation.
 */
import { BuiltinLimit, type Pay } from "../builtin.ts";
import { type Decimal, parseDecimal, withoutTrailingZeros } from "../rego-value/number.ts";
import { type Digits, fixedText, shortestText } from "./go-float.ts";

/** value = ± mantissa · 2^exponent. `precision`: bits of the mantissa that operations on it keep. */
export type BigFloat = {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly precision: number;
};

/** What a number text is read with, and what results have at least. */
const PRECISION = 64;
/** Digits that a number has, or would have if it were written without an exponent. A double ends at 308. */
export const MAX_SIZE = 1_500n;

/** @throws BuiltinLimit when it is too large or too small to compute with; text that is no number counts as zero */
export function bigFloat(text: string): BigFloat {
  const decimal = parseDecimal(text);
  return decimal === undefined ? zero(text.startsWith("-")) : floatOf(decimal, text.startsWith("-"));
}

function floatOf({ coefficient, exponent }: Decimal, negative: boolean): BigFloat {
  if (coefficient === "") return zero(negative);
  const size = exponent < 0n ? -exponent : exponent;
  if (size + BigInt(coefficient.length) > MAX_SIZE) throw new BuiltinLimit("the number is too large or too small");
  const power = powerOfTen(Number(size));
  const value = { negative, mantissa: BigInt(coefficient), exponent: 0, precision: PRECISION };
  if (exponent >= 0n) return rounded({ ...value, mantissa: value.mantissa * power });
  return quotient(value, { ...value, negative: false, mantissa: power });
}

/** Of small ones: to make one takes longer than to divide by it. */
const POWERS = Array.from({ length: 40 }, (_, exponent) => 10n ** BigInt(exponent));

function powerOfTen(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}

export function integerFloat(value: bigint, negative = value < 0n): BigFloat {
  const mantissa = value < 0n ? -value : value;
  return { negative, mantissa, exponent: 0, precision: Math.max(PRECISION, bitLength(mantissa)) };
}

export function sum(a: BigFloat, b: BigFloat, precision = Math.max(a.precision, b.precision)): BigFloat {
  const exponent = Math.min(a.exponent, b.exponent);
  const total = signed(a, exponent) + signed(b, exponent);
  if (total === 0n) return { ...zero(a.mantissa === 0n && a.negative && b.negative), precision };
  return rounded({ negative: total < 0n, mantissa: total < 0n ? -total : total, exponent, precision });
}

export function negated(a: BigFloat): BigFloat {
  return { ...a, negative: !a.negative };
}

export function product(a: BigFloat, b: BigFloat, precision = Math.max(a.precision, b.precision)): BigFloat {
  const negative = a.negative !== b.negative;
  const mantissa = a.mantissa * b.mantissa;
  return rounded({ negative, mantissa, exponent: a.exponent + b.exponent, precision });
}

/** `b` is not zero. */
export function quotient(a: BigFloat, b: BigFloat): BigFloat {
  const precision = Math.max(a.precision, b.precision);
  // Two bits more than are kept, and one that says whether anything is left over.
  const shift = Math.max(0, precision + 2 + bitLength(b.mantissa) - bitLength(a.mantissa));
  const dividend = a.mantissa << BigInt(shift);
  const whole = dividend / b.mantissa;
  const mantissa = (whole << 1n) | (whole * b.mantissa === dividend ? 0n : 1n);
  const exponent = a.exponent - b.exponent - shift - 1;
  return rounded({ negative: a.negative !== b.negative, mantissa, exponent, precision });
}

/** Towards zero. */
export function truncated({ negative, mantissa, exponent }: BigFloat): bigint {
  const magnitude = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa >> BigInt(-exponent);
  return negative ? -magnitude : magnitude;
}

export function isInteger({ mantissa, exponent }: BigFloat): boolean {
  return exponent >= 0 || (mantissa & ((1n << BigInt(-exponent)) - 1n)) === 0n;
}

/** The shortest digits that read back to the same number: of integers all of them, else as Go's `%g`. */
export function textOf(float: BigFloat, pay: Pay): string {
  const sign = float.negative ? "-" : "";
  const digits = float.mantissa === 0n ? { digits: "", point: 0 } : shortestDigits(float, pay);
  return sign + (isInteger(float) ? fixedText(digits) : shortestText(digits));
}

function zero(negative: boolean): BigFloat {
  return { negative, mantissa: 0n, exponent: 0, precision: PRECISION };
}

function signed({ negative, mantissa, exponent }: BigFloat, at: number): bigint {
  const magnitude = mantissa << BigInt(exponent - at);
  return negative ? -magnitude : magnitude;
}

const DOUBLE = new DataView(new ArrayBuffer(8));
const DOUBLE_BIAS = 1_022;

/** Of a value that is not negative. */
function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  DOUBLE.setFloat64(0, Number(value));
  const bits = ((DOUBLE.getUint32(0) >>> 20) & 0x7ff) - DOUBLE_BIAS;
  if (bits > 1_024) {
    const hexadecimal = value.toString(16);
    return hexadecimal.length * 4 - (Math.clz32(Number.parseInt(hexadecimal.charAt(0), 16)) - 28);
  }
  // A double can be rounded up to the next power of two.
  return value >> BigInt(bits - 1) === 0n ? bits - 1 : bits;
}

function rounded(float: BigFloat): BigFloat {
  const over = bitLength(float.mantissa) - float.precision;
  if (over <= 0) return float;
  const shift = BigInt(over);
  const half = 1n << (shift - 1n);
  const rest = float.mantissa & ((1n << shift) - 1n);
  let mantissa = float.mantissa >> shift;
  if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa += 1n;
  return { ...float, mantissa, exponent: float.exponent + over };
}

/** In fuel, of digits that are searched, as those of `1 / 7` are: beyond what an operation costs whose digits are those of a double. */
const PER_SEARCH = 18_000;

function shortestDigits(float: BigFloat, pay: Pay): Digits {
  const digits = digitsOfDouble(float);
  if (digits !== undefined) return digits;
  pay(PER_SEARCH);
  return searchedDigits(float);
}

/** Beyond these a double has fewer bits, or none. */
const MOST_EXPONENT = 900;

/**
 * The digits of the nearest double, where they are read as this number: they are no more than 17, and of so few no other ones are as near as half
 * of the last of 64 bits. So it is with most of what policies compute.
 */
function digitsOfDouble(float: BigFloat): Digits | undefined {
  const { mantissa, exponent, precision } = float;
  if (precision !== PRECISION || Math.abs(exponent) > MOST_EXPONENT) return undefined;
  const decimal = parseDecimal(String(Number(mantissa) * 2 ** exponent));
  if (decimal === undefined) return undefined;
  const read = floatOf(decimal, false);
  const least = Math.min(exponent, read.exponent);
  const isSame = mantissa << BigInt(exponent - least) === read.mantissa << BigInt(read.exponent - least);
  return isSame ? { digits: decimal.coefficient, point: Number(decimal.size) } : undefined;
}

/**
 * The digits of the number up to the first at which every number between it and its neighbours' halfway points could end,
 * as math/big does it (ftoa.go, roundShortest).
 */
function searchedDigits({ mantissa, exponent, precision }: BigFloat): Digits {
  // The last bit of `twice` is half of the number's last place.
  const shift = precision + 1 - bitLength(mantissa);
  const twice = mantissa << BigInt(shift);
  const power = exponent - shift;
  const unit = power >= 0 ? 1n << BigInt(power) : 5n ** BigInt(-power);
  const exact = twice * unit;
  const [all, lower, upper] = [exact, exact - unit, exact + unit].map((value) =>
    withoutTrailingZeros(value.toString()),
  );
  const digits = { digits: all ?? "", point: exact.toString().length + Math.min(power, 0) };
  return shortestBetween(digits, lower ?? "", upper ?? "", (twice & 2n) === 0n);
}

function shortestBetween(all: Digits, lower: string, upper: string, isEven: boolean): Digits {
  const { digits } = all;
  for (let at = 0; at < digits.length; at++) {
    const [own, below, above] = [digitAt(digits, at), digitAt(lower, at), digitAt(upper, at)];
    const down = below !== own || (isEven && at + 1 === lower.length);
    const up = own !== above && (isEven || own + 1 < above || at + 1 < upper.length);
    if (down && up) return cut(all, at + 1, isAboveHalf(digits.slice(at)));
    if (down || up) return cut(all, at + 1, up);
  }
  return all;
}

function digitAt(digits: string, at: number): number {
  return at < digits.length ? digits.charCodeAt(at) - 0x30 : 0;
}

/** Whether what follows the first digit is at least a half; exactly half goes to the even digit. */
function isAboveHalf(digits: string): boolean {
  const [first, next, rest] = [Number(digits[0]), Number(digits[1] ?? "0"), digits.slice(2)];
  return next > 5 || (next === 5 && (rest !== "" || first % 2 === 1));
}

function cut({ digits, point }: Digits, count: number, up: boolean): Digits {
  const kept = digits.slice(0, count);
  const value = (BigInt(kept) + (up ? 1n : 0n)).toString().padStart(count, "0");
  return { digits: withoutTrailingZeros(value), point: point + value.length - count };
}
