/** A number as it is written, digit by digit. */
import { parseDecimal } from "../../rego-value/number.ts";
import { RegoNumber } from "../../rego-value/value.ts";
import type { Term } from "./syntax.ts";
import { fault } from "./tokens.ts";

/** OPA's bound, of the exponent to base 2. */
const MAX_EXPONENT = 100_000;
const LEADING_ZERO = /^-?0\d/;
/** Enough for a logarithm. */
const DIGITS = 15;

export function numberTerm(text: string): Term {
  if (LEADING_ZERO.test(text)) throw fault("expected number without leading zero");
  if (Math.abs(exponentOf(text)) > MAX_EXPONENT) throw fault("number too big");
  return { type: "number", value: new RegoNumber(text) };
}

/** That of big.Float: the number is from a half of 2 to it on up to, but without, 2 to it. */
function exponentOf(text: string): number {
  const decimal = parseDecimal(text.replace(/^(-?)\./, "$10."));
  if (decimal === undefined) return Number.POSITIVE_INFINITY;
  if (decimal.coefficient === "") return 0;
  const mantissa = Number(`0.${decimal.coefficient.slice(0, DIGITS)}`);
  return Math.floor(Math.log2(mantissa) + Number(decimal.size) * Math.log2(10)) + 1;
}
