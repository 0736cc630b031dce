/**
 * `units.parse` (SI and binary suffixes, `m` is milli, case counts for `m` and `M`) and `units.parse_bytes` (bytes, whole
 * numbers, case does not count). The first is exact decimal arithmetic on text; the second is OPA's float of 64 bits.
 */
import { BuiltinError, BuiltinLimit, builtinTable, stringArg } from "../builtin.ts";
import { parseDecimal } from "../rego-value/number.ts";
import { RegoNumber, regoInteger } from "../rego-value/value.ts";

const DECIMAL = "kmgtpe";

/** OPA takes the double that is nearest to 0.001 for exact: seen in the tenth place of large amounts. */
const MILLI = [1152921504606847n, 2n ** 60n] as const;

/** The factor of a suffix as `[numerator, denominator]`. */
function factor(suffix: string, bytes: boolean): readonly [bigint, bigint] | undefined {
  if (suffix === "") return [1n, 1n];
  const lower = suffix.toLowerCase();
  if (!bytes && suffix === "m") return MILLI;
  const body = bytes && lower !== "b" ? lower.replace(/b$/, "") : lower;
  const power = BigInt(DECIMAL.indexOf(body[0] ?? "?") + 1);
  if (power === 0n || body.length > 2) return undefined;
  if (body.length === 1) return [1000n ** power, 1n];
  return body[1] === "i" ? [1024n ** power, 1n] : undefined;
}

const MAX_LENGTH = 1_000;

type Rational = { readonly numerator: bigint; readonly denominator: bigint };

function parse(raw: string, bytes: boolean): { readonly amount: Rational; readonly scale: Rational } {
  const text = raw.replaceAll('"', "");
  if (text.length > MAX_LENGTH) throw new BuiltinLimit("amount is too long");
  if (/\s/.test(text)) throw new BuiltinError("spaces not allowed in resource strings");
  const match = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(text) ?? /^([+-]?[\d.]*)([A-Za-z]*)$/.exec(text);
  const [, number = "", suffix = ""] = match ?? [];
  const plain = /\d/.test(number)
    ? number
        .replace(/^\+/, "")
        .replace(/^(-?)\./, "$10.")
        .replace(/\.(?=$|[eE])/, "")
    : "";
  const decimal = parseDecimal(plain);
  if (decimal === undefined) throw new BuiltinError("no amount provided");
  const scale = factor(suffix, bytes);
  if (scale === undefined) throw new BuiltinError("unit not recognized");
  const { exponent } = decimal;
  if (exponent > 400n || exponent < -400n) throw new BuiltinLimit("the amount is too large or too small");
  const digits = BigInt(decimal.coefficient || "0") * (decimal.negative ? -1n : 1n);
  return {
    amount: {
      numerator: digits * (exponent > 0n ? 10n ** exponent : 1n),
      denominator: exponent < 0n ? 10n ** -exponent : 1n,
    },
    scale: { numerator: scale[0], denominator: scale[1] },
  };
}

const PLACES = 10n;

/** An integer when it is one, else ten decimal places, rounded half away from zero, as OPA writes it. */
function numberOf({ numerator, denominator }: Rational): RegoNumber {
  if (numerator % denominator === 0n) return regoInteger(numerator / denominator);
  const size = numerator < 0n ? -numerator : numerator;
  const scaled = (size * 10n ** PLACES * 2n + denominator) / (denominator * 2n);
  const text = scaled.toString().padStart(Number(PLACES) + 1, "0");
  const sign = numerator < 0n ? "-" : "";
  return new RegoNumber(`${sign}${text.slice(0, -Number(PLACES))}.${text.slice(-Number(PLACES))}`);
}

function times(a: Rational, b: Rational): Rational {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

const MANTISSA_BITS = 64;

/** The nearest float with 64 bits of mantissa, halves to even, as a fraction. */
function toFloat64Bits({ numerator, denominator }: Rational): Rational {
  if (numerator === 0n) return { numerator, denominator: 1n };
  const size = numerator < 0n ? -numerator : numerator;
  let shift = MANTISSA_BITS - (bitLength(size) - bitLength(denominator));
  let quotient = shifted(size, denominator, shift);
  if (bitLength(quotient.whole) > MANTISSA_BITS) quotient = shifted(size, denominator, --shift);
  const { whole, rest, divisor } = quotient;
  const isUp = rest * 2n > divisor || (rest * 2n === divisor && (whole & 1n) === 1n);
  const mantissa = (isUp ? whole + 1n : whole) * (numerator < 0n ? -1n : 1n);
  return shift >= 0
    ? { numerator: mantissa, denominator: 1n << BigInt(shift) }
    : { numerator: mantissa << BigInt(-shift), denominator: 1n };
}

function shifted(size: bigint, denominator: bigint, shift: number) {
  const dividend = shift > 0 ? size << BigInt(shift) : size;
  const divisor = shift < 0 ? denominator << BigInt(-shift) : denominator;
  return { whole: dividend / divisor, rest: dividend % divisor, divisor };
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

export const UNITS = builtinTable([
  [
    "units.parse",
    (args) => {
      const { amount, scale } = parse(stringArg(args, 0), false);
      return numberOf(times(amount, scale));
    },
  ],
  [
    "units.parse_bytes",
    (args) => {
      const { amount, scale } = parse(stringArg(args, 0), true);
      const { numerator, denominator } = toFloat64Bits(times(toFloat64Bits(amount), scale));
      return regoInteger(numerator / denominator);
    },
  ],
]);
