/**
 * Numbers as OPA computes them: integers of any size exactly, everything else in binary with 64 bits (big-float.ts). A
 * compiled module does all this itself, in decimals and with other digits, so these serve policies that were written for
 * OPA (core/policy/opa-answers.ts).
 */
import {
  type Builtin,
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  itemsArg,
  numberArg,
} from "../builtin.ts";
import { parseDecimal } from "../rego-value/number.ts";
import { RegoNumber, type RegoValue, regoInteger } from "../rego-value/value.ts";
import {
  type BigFloat,
  bigFloat,
  integerFloat,
  isInteger,
  MAX_SIZE,
  negated,
  product,
  quotient,
  sum,
  textOf,
  truncated,
} from "./big-float.ts";

type Exact = (a: bigint, b: bigint) => bigint;
type Small = (a: number, b: number) => number;
type Floating = (a: BigFloat, b: BigFloat) => BigFloat;

/** In fuel, of one operation: beyond what its text costs, since `1e1000` is six characters. */
const PER_DIGIT = 120;
const PER_FLOAT = 11_000;
/** Doubles are exact below this, sums and all. */
const SMALL = /^-?\d{1,7}$/;
/** `big.NewFloat(1)`, which a product begins with, has the bits of a double and keeps them. */
const DOUBLE = 53;
const HALF = bigFloat("0.5");
const ONE = { ...bigFloat("1"), precision: DOUBLE };

/** Of a number without a fraction, however it is written. */
function exactInteger(text: string): bigint | undefined {
  const decimal = parseDecimal(text);
  if (decimal === undefined || decimal.exponent < 0n) return undefined;
  if (decimal.coefficient === "") return 0n;
  if (decimal.exponent + BigInt(decimal.coefficient.length) > MAX_SIZE) {
    throw new BuiltinLimit("the number is too large");
  }
  const magnitude = BigInt(decimal.coefficient) * 10n ** decimal.exponent;
  return decimal.negative ? -magnitude : magnitude;
}

function numberOf(float: BigFloat, { pay }: BuiltinCall): RegoNumber {
  return new RegoNumber(textOf(float, pay));
}

/** Pays for the digits of the operands, and reads them as binary numbers. */
function floats({ pay }: BuiltinCall, ...texts: readonly string[]): BigFloat[] {
  let size = 0n;
  for (const text of texts) size += sizeOf(text);
  pay(texts.length * PER_FLOAT + Number(size < MAX_SIZE * 2n ? size : MAX_SIZE * 2n) * PER_DIGIT);
  return texts.map(bigFloat);
}

function sizeOf(text: string): bigint {
  const { coefficient, exponent } = parseDecimal(text) ?? { coefficient: "", exponent: 0n };
  return BigInt(coefficient.length) + (exponent < 0n ? -exponent : exponent);
}

type Operation = { readonly small: Small; readonly exact: Exact; readonly float: Floating };

function operation({ small, exact, float }: Operation): Builtin {
  return (args, call) => {
    const [a, b] = [numberArg(args, 0), numberArg(args, 1)];
    if (SMALL.test(a) && SMALL.test(b)) return new RegoNumber(String(small(Number(a), Number(b)) + 0));
    const [x, y] = [exactInteger(a), exactInteger(b)];
    if (x === undefined || y === undefined) {
      const [f = ZERO, g = ZERO] = floats(call, a, b);
      return numberOf(float(f, g), call);
    }
    call.pay(Number(sizeOf(a) + sizeOf(b)) * PER_DIGIT);
    return regoInteger(exact(x, y));
  };
}

function divided(args: readonly RegoValue[], call: BuiltinCall): RegoNumber {
  const [a = ZERO, b = ZERO] = floats(call, numberArg(args, 0), numberArg(args, 1));
  if (b.mantissa === 0n) throw new BuiltinError("divide by zero");
  return numberOf(quotient(a, b), call);
}

function remainder(args: readonly RegoValue[], { pay }: BuiltinCall): RegoNumber {
  const [a, b] = [numberArg(args, 0), numberArg(args, 1)];
  const [x, y] = [exactInteger(a), exactInteger(b)];
  if (x === undefined || y === undefined) throw new BuiltinError("modulo on floating-point number");
  if (y === 0n) throw new BuiltinError("modulo by zero");
  pay(Number(sizeOf(a) + sizeOf(b)) * PER_DIGIT);
  return regoInteger(x % y);
}

/** Away from zero, and not to the even one, where it is half. */
function roundedOff(a: BigFloat): BigFloat {
  return integerFloat(truncated(sum(a, { ...HALF, negative: a.negative })));
}

/** Go's own: what lies between -1 and 0 is rounded up to 1. */
function ceiling(a: BigFloat): BigFloat {
  const whole = integerFloat(truncated(a));
  return whole.negative || isInteger(a) ? whole : sum(whole, ONE);
}

function floor(a: BigFloat): BigFloat {
  const whole = integerFloat(truncated(a));
  return !whole.negative || isInteger(a) ? whole : sum(whole, negated(ONE));
}

function alone(change: (a: BigFloat) => BigFloat): Builtin {
  return (args, call) => {
    const [a = ZERO] = floats(call, numberArg(args, 0));
    return numberOf(change(a), call);
  };
}

type Accumulation = { readonly begin: bigint; readonly exact: Exact; readonly floats: (items: BigFloat[]) => BigFloat };

function accumulation({ begin, exact, floats: accumulated }: Accumulation): Builtin {
  return (args, call) => {
    const items = itemsArg(args, 0);
    const texts = items.map((_, at) => numberArg(items, at));
    call.pay(texts.reduce((size, text) => size + Number(sizeOf(text)), 0) * PER_DIGIT);
    const integers = texts.map(exactInteger);
    if (integers.includes(undefined)) return numberOf(accumulated(floats(call, ...texts)), call);
    let total = begin;
    for (const integer of integers) {
      total = exact(total, integer ?? 0n);
      if (total > LARGEST || total < -LARGEST) throw new BuiltinLimit("the number is too large");
    }
    return regoInteger(total);
  };
}

const LARGEST = 10n ** MAX_SIZE;
const ZERO = bigFloat("0");

export const ARITHMETIC = builtinTable([
  ["plus", operation({ small: (a, b) => a + b, exact: (a, b) => a + b, float: sum })],
  ["minus", operation({ small: (a, b) => a - b, exact: (a, b) => a - b, float: (a, b) => sum(a, negated(b)) })],
  ["mul", operation({ small: (a, b) => a * b, exact: (a, b) => a * b, float: product })],
  ["div", divided],
  ["rem", remainder],
  ["abs", alone((a) => ({ ...a, negative: false }))],
  ["round", alone(roundedOff)],
  ["ceil", alone(ceiling)],
  ["floor", alone(floor)],
  [
    "sum",
    accumulation({ begin: 0n, exact: (a, b) => a + b, floats: (items) => items.reduce((a, b) => sum(a, b), ZERO) }),
  ],
  [
    "product",
    accumulation({
      begin: 1n,
      exact: (a, b) => a * b,
      floats: (items) => items.reduce((a, b) => product(a, b, DOUBLE), ONE),
    }),
  ],
]);
