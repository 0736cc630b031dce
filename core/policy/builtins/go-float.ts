/**
 * Number formats of Go's strconv: two-digit exponents, `%g` with the shortest digits that read back to the same number,
 * and halves rounded to even on the exact value, which JavaScript's `toFixed` and `toExponential` round up.
 */

/** value = 0.digits · 10^point, without trailing zeros; zero has no digits. */
export type Digits = { readonly digits: string; readonly point: number };

/** `value` finite. `precision` undefined = shortest. Verbs e, E, f, F, g, G. */
export function goFloat(value: number, verb: string, precision: number | undefined): string {
  if (value < 0 || Object.is(value, -0)) return `-${goFloat(-value, verb, precision)}`;
  const lower = verb.toLowerCase();
  const text =
    lower === "f" ? fixed(value, precision) : lower === "e" ? scientific(value, precision) : general(value, precision);
  return verb === lower ? text : text.toUpperCase();
}

function shortest(value: number): Digits {
  if (value === 0) return { digits: "", point: 0 };
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return { digits: mantissa.replace(".", "").replace(/0+$/, ""), point: Number(exponent) + 1 };
}

/** All digits of a double: a binary fraction is a decimal one with as many places as its exponent. */
function exact(value: number): Digits {
  if (value === 0) return { digits: "", point: 0 };
  let [mantissa, places] = [value, 0];
  while (!Number.isInteger(mantissa)) [mantissa, places] = [mantissa * 2, places + 1];
  const all = (BigInt(mantissa) * 5n ** BigInt(places)).toString();
  return { digits: all.replace(/0+$/, ""), point: all.length - places };
}

/** The first `count` digits, halves to even. */
function rounded({ digits, point }: Digits, count: number): Digits {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: "", point: 0 };
  const [kept, next, rest] = [digits.slice(0, count), Number(digits[count]), digits.slice(count + 1)];
  const isOdd = Number(kept.at(-1) ?? "0") % 2 === 1;
  const isUp = next > 5 || (next === 5 && (rest !== "" || isOdd));
  if (!isUp) return { digits: kept.replace(/0+$/, ""), point };
  const up = (BigInt(kept || "0") + 1n).toString().padStart(count, "0");
  return { digits: up.replace(/0+$/, ""), point: point + Math.max(up.length - Math.max(count, 0), 0) };
}

function fixed(value: number, precision: number | undefined): string {
  const whole = precision === undefined ? shortest(value) : exact(value);
  const decimal = precision === undefined ? whole : rounded(whole, whole.point + precision);
  return plain(decimal, precision ?? Math.max(decimal.digits.length - decimal.point, 0));
}

/** All digits, and zeros up to the point. */
export function fixedText(decimal: Digits): string {
  return plain(decimal, Math.max(decimal.digits.length - decimal.point, 0));
}

/** With that many places. */
function plain({ digits, point }: Digits, places: number): string {
  const all = point > 0 ? digits.padEnd(point, "0") : `${"0".repeat(1 - point)}${digits}`;
  const integer = point > 0 ? all.slice(0, point) : "0";
  const fraction = (point > 0 ? all.slice(point) : all.slice(1)).padEnd(places, "0").slice(0, places);
  return fraction === "" ? integer : `${integer}.${fraction}`;
}

function scientific(value: number, precision: number | undefined): string {
  const decimal = precision === undefined ? shortest(value) : rounded(exact(value), precision + 1);
  return withExponent(decimal, precision ?? Math.max(decimal.digits.length - 1, 0));
}

function withExponent({ digits, point }: Digits, places: number): string {
  const [first = "0", fraction] = [digits[0], digits.slice(1).padEnd(places, "0")];
  const exponent = digits === "" ? 0 : point - 1;
  const shown = fraction === "" ? first : `${first}.${fraction}`;
  return `${shown}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Go: exponent form when the exponent is below −4 or at least the precision, which counts as 6 for shortest digits. */
const SHORTEST_PRECISION = 6;

function general(value: number, precision: number | undefined): string {
  if (precision === undefined) return shortestText(shortest(value));
  const wanted = Math.max(precision, 1);
  const decimal = rounded(exact(value), wanted);
  const count = decimal.digits.length;
  return generalText(decimal, wanted > count && count >= decimal.point ? Math.max(count, 1) : wanted);
}

/** Digits that are the shortest already, as `%g` shows them. */
export function shortestText(decimal: Digits): string {
  return generalText(decimal, SHORTEST_PRECISION);
}

function generalText(decimal: Digits, limit: number): string {
  const { digits, point } = decimal;
  const count = digits.length;
  const exponent = digits === "" ? 0 : point - 1;
  if (exponent < -4 || exponent >= limit) return withExponent(decimal, Math.max(count - 1, 0));
  return digits === "" ? "0" : plain(decimal, Math.max(count - point, 0));
}
