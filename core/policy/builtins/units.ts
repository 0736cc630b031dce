/**
 * `units.parse` (SI and binary suffixes, `m` is milli, case counts for `m` and `M`) and `units.parse_bytes` (bytes, whole
 * numbers, case does not count). Exact decimal arithmetic on text: no double is involved.
 */
import { BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { parseDecimal } from "../rego-value/number.ts";
import { RegoNumber, regoInteger } from "../rego-value/value.ts";

const DECIMAL = "kmgtpe";

/** The factor of a suffix as `[numerator, denominator]`. */
function factor(suffix: string, bytes: boolean): readonly [bigint, bigint] | undefined {
  if (suffix === "") return [1n, 1n];
  const lower = suffix.toLowerCase();
  if (!bytes && suffix === "m") return [1n, 1000n];
  if (bytes && lower === "b") return [1n, 1n];
  const body = bytes ? lower.replace(/b$/, "") : lower;
  const power = BigInt(DECIMAL.indexOf(body[0] ?? "?") + 1);
  if (power === 0n || body.length > 2) return undefined;
  if (body.length === 1) return [1000n ** power, 1n];
  return body[1] === "i" ? [1024n ** power, 1n] : undefined;
}

type Amount = { readonly numerator: bigint; readonly denominator: bigint };

function parse(raw: string, bytes: boolean): Amount {
  const text = raw.replaceAll('"', "");
  if (/\s/.test(text)) throw new BuiltinError("spaces not allowed in resource strings");
  const match = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(text) ?? /^([+-]?[\d.]*)([A-Za-z]*)$/.exec(text);
  const [, number = "", suffix = ""] = match ?? [];
  const decimal = parseDecimal(
    number
      .replace(/^\+/, "")
      .replace(/^(-?)\./, "$10.")
      .replace(/\.$/, ""),
  );
  if (decimal === undefined) throw new BuiltinError("no amount provided");
  const scale = factor(suffix, bytes);
  if (scale === undefined) throw new BuiltinError("unit not recognized");
  const { exponent } = decimal;
  if (exponent > 400n || exponent < -400n) throw new BuiltinError("amount is out of range");
  const digits = BigInt(decimal.coefficient || "0") * (decimal.negative ? -1n : 1n);
  return {
    numerator: digits * scale[0] * (exponent > 0n ? 10n ** exponent : 1n),
    denominator: scale[1] * (exponent < 0n ? 10n ** -exponent : 1n),
  };
}

const PLACES = 10n;

/** An integer when it is one, else ten decimal places, rounded half away from zero, as OPA writes it. */
function numberOf({ numerator, denominator }: Amount): RegoNumber {
  if (numerator % denominator === 0n) return regoInteger(numerator / denominator);
  const size = numerator < 0n ? -numerator : numerator;
  const scaled = (size * 10n ** PLACES * 2n + denominator) / (denominator * 2n);
  const text = scaled.toString().padStart(Number(PLACES) + 1, "0");
  const sign = numerator < 0n ? "-" : "";
  return new RegoNumber(`${sign}${text.slice(0, -Number(PLACES))}.${text.slice(-Number(PLACES))}`);
}

export const UNITS = builtinTable([
  ["units.parse", (args) => numberOf(parse(stringArg(args, 0), false))],
  [
    "units.parse_bytes",
    (args) => {
      const { numerator, denominator } = parse(stringArg(args, 0), true);
      return regoInteger(numerator / denominator);
    },
  ],
]);
