/** Floats in Go's fmt, with its binary and hexadecimal forms. */
import { goFloat } from "../go-float.ts";
import { type Flags, pad, padding } from "./padding.ts";

/** Undefined when the verb is not one of floats. */
export function formatFloat(flags: Flags, verb: string, value: number): string | undefined {
  const format = verb === "v" ? "g" : verb === "F" ? "f" : verb;
  if (!/^[bgGxXfeE]$/.test(format)) return undefined;
  const precision = flags.precision ?? (/[feE]/.test(format) ? 6 : undefined);
  const isNegative = value < 0 || Object.is(value, -0);
  let text = magnitude(Math.abs(value), format, precision);
  if (flags.sharp && format !== "b") text = withPoint(text, verb, precision);
  const sign = isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  if (sign !== "" && flags.zero && !flags.minus) {
    return sign + padding(flags, (flags.width ?? 0) - text.length - 1) + text;
  }
  return pad(flags, sign + text);
}

function magnitude(value: number, format: string, precision: number | undefined): string {
  if (format === "b") return binary(value);
  if (format === "x" || format === "X") {
    const text = hexadecimal(value, precision);
    return format === "X" ? text.toUpperCase() : text;
  }
  return goFloat(value, format, precision);
}

/** `#`: a decimal point always, and for `%g` trailing zeros up to the precision (the `x` of `0x` counts as a digit). */
function withPoint(text: string, verb: string, precision: number | undefined): string {
  const isHex = verb === "x" || verb === "X";
  const at = text.search(isHex ? /[pP]/ : /[eE]/);
  const [head, tail] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
  const pointed = head.includes(".") ? head : `${head}.`;
  if (!/[vgGx]/.test(verb)) return pointed + tail;
  const seen = head.replace(".", "").replace(/^0+/, "").length;
  const given = head === "0" ? 1 : seen;
  return pointed + "0".repeat(Math.max((precision ?? 6) - given, 0)) + tail;
}

function bitsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n) & 0x7ff;
  const fraction = bits & ((1n << 52n) - 1n);
  return exponent === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: exponent - 1075 };
}

function binary(value: number): string {
  const { mantissa, exponent } = bitsOf(value);
  return `${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

const FRACTION_DIGITS = 13;

function hexadecimal(value: number, precision: number | undefined): string {
  let { mantissa, exponent } = bitsOf(value);
  if (mantissa === 0n) return `0x0${precision ? `.${"0".repeat(precision)}` : ""}p+00`;
  while (mantissa < 1n << 52n) [mantissa, exponent] = [mantissa << 1n, exponent - 1];
  exponent += 52;
  if (precision !== undefined && precision < FRACTION_DIGITS) {
    const drop = BigInt((FRACTION_DIGITS - precision) * 4);
    const half = 1n << (drop - 1n);
    const [kept, rest] = [mantissa >> drop, mantissa & ((1n << drop) - 1n)];
    mantissa = (rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept) << drop;
    if (mantissa >= 1n << 53n) [mantissa, exponent] = [mantissa >> 1n, exponent + 1];
  }
  const all = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(FRACTION_DIGITS, "0");
  const fraction = precision === undefined ? all.replace(/0+$/, "") : all.slice(0, precision).padEnd(precision, "0");
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `0x1${fraction === "" ? "" : `.${fraction}`}p${exponent < 0 ? "-" : "+"}${power}`;
}
