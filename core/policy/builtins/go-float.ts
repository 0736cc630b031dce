/** Number formats of Go's strconv: two-digit exponents, `%g` with the shortest digits that read back to the same number. */

/** `value` ≥ 0. `precision` undefined = shortest. Verbs e, E, f, F, g, G. */
export function goFloat(value: number, verb: string, precision: number | undefined): string {
  if (value < 0 || Object.is(value, -0)) return `-${goFloat(-value, verb, precision)}`;
  const lower = verb.toLowerCase();
  const text =
    lower === "f" ? fixed(value, precision) : lower === "e" ? scientific(value, precision) : general(value, precision);
  return verb === lower ? text : text.toUpperCase();
}

const MAX_DIGITS = 100;

function fixed(value: number, precision: number | undefined): string {
  return value < 1e21 ? value.toFixed(Math.min(precision ?? 6, MAX_DIGITS)) : largeFixed(value, precision ?? 6);
}

/** `toFixed` changes its format at 1e21; such a number is an integer, which a bigint writes in full. */
function largeFixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return "+Inf";
  return precision === 0 ? BigInt(value).toString() : `${BigInt(value)}.${"0".repeat(Math.min(precision, MAX_DIGITS))}`;
}

function scientific(value: number, precision: number | undefined): string {
  const text = precision === undefined ? value.toExponential() : value.toExponential(Math.min(precision, MAX_DIGITS));
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** Go: exponent form when the exponent is below −4 or at least the precision, which counts as 6 for shortest digits. */
const SHORTEST_PRECISION = 6;

function general(value: number, precision: number | undefined): string {
  if (value === 0) return "0";
  const wanted = precision === undefined ? undefined : Math.min(Math.max(precision, 1), MAX_DIGITS);
  const exponential = wanted === undefined ? value.toExponential() : value.toExponential(wanted - 1);
  const [mantissa = "0", exponentText = "0"] = exponential.split("e");
  const exponent = Number(exponentText);
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  const limit =
    wanted === undefined
      ? SHORTEST_PRECISION
      : wanted > digits.length && digits.length > exponent
        ? digits.length
        : wanted;
  if (exponent >= -4 && exponent < limit) return plainDigits(digits, exponent);
  const shown = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  return `${shown}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function plainDigits(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, "0");
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}
