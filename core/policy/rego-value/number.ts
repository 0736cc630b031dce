/**
 * Exact decimal arithmetic on number text, as far as built-ins and ordering need it: compare, canonical form, integer
 * tests. Exponents from outside can be huge (`1e1000000000`), so nothing here expands a number before its size is known.
 */

/**
 * value = sign · coefficient · 10^exponent, coefficient without trailing zeros; zero has coefficient "" and exponent 0. `size`: how many
 * digits stand before the point, below zero for zeros behind it.
 */
export type Decimal = {
  readonly negative: boolean;
  readonly coefficient: string;
  readonly exponent: bigint;
  readonly size: bigint;
};

/** Also `5.`, which `to_number` can make of a text. */
const NUMBER = /^(-)?(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
/** More digits than this are never written out: 2^4096 has 1234. */
const MAX_INTEGER_DIGITS = 5000n;

/** At most 15 digits: each such number has a double of its own, and their doubles are in the same order. */
const SHORT = /^(?=.{1,16}$)-?\d{1,15}(?:\.\d+)?$/;

/** What is compared as a double; undefined of any other number text. */
export function shortNumberOf(text: string): number | undefined {
  return SHORT.test(text) ? Number(text) : undefined;
}

export function parseDecimal(text: string): Decimal | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponentText = "0"] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const coefficient = withoutTrailingZeros(digits);
  if (coefficient === "") return { negative: false, coefficient: "", exponent: 0n, size: 0n };
  const exponent = BigInt(exponentText) - BigInt(fraction.length) + BigInt(digits.length - coefficient.length);
  return { negative: sign === "-", coefficient, exponent, size: exponent + BigInt(coefficient.length) };
}

/** NB: not by `/0+$/`, which takes time by the square of a run of zeros inside. */
export function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. Both must be number text. */
export function compareNumberText(a: string, b: string): number {
  if (a === b) return 0;
  const x = parseDecimal(a);
  const y = parseDecimal(b);
  return x === undefined || y === undefined ? (a < b ? -1 : 1) : compareDecimals(x, y);
}

export function compareDecimals(x: Decimal, y: Decimal): number {
  if (x.coefficient === "" || y.coefficient === "") return signOf(x) - signOf(y);
  if (x.negative !== y.negative) return x.negative ? -1 : 1;
  const magnitude = compareMagnitude(x, y);
  return x.negative ? -magnitude : magnitude;
}

function signOf(x: Decimal): number {
  return x.coefficient === "" ? 0 : x.negative ? -1 : 1;
}

/** Neither has zeros at its end, so of two with the same digits before the point the order is that of texts. */
function compareMagnitude(x: Decimal, y: Decimal): number {
  if (x.size !== y.size) return x.size < y.size ? -1 : 1;
  return x.coefficient < y.coefficient ? -1 : x.coefficient > y.coefficient ? 1 : 0;
}

/** The same text for equal numbers: `1`, `1.0` and `10e-1` are all `1e0`. Never written out: it is made of every key. */
export function canonicalNumberText(text: string): string {
  const decimal = parseDecimal(text);
  if (decimal === undefined) return text;
  return `${decimal.negative ? "-" : ""}${decimal.coefficient}e${decimal.exponent}`;
}

/** The number as an integer, or undefined when it has a fraction or more digits than anyone writes. */
export function integerOf(text: string): bigint | undefined {
  const decimal = parseDecimal(text);
  return decimal === undefined ? undefined : toInteger(decimal);
}

function toInteger({ negative, coefficient, exponent, size }: Decimal): bigint | undefined {
  if (coefficient === "") return 0n;
  if (exponent < 0n || size > MAX_INTEGER_DIGITS) return undefined;
  const magnitude = BigInt(coefficient) * 10n ** exponent;
  return negative ? -magnitude : magnitude;
}
