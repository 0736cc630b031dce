/**
 * `sprintf` with Go's verbs and Go's complaints (`%!d(string=a)`, `%!s(MISSING)`, `%!(EXTRA …)`), which policies show to
 * people and match on. OPA hands Go an integer, a float64, a string, or the value's text; so do we.
 * Divergence: `%x` of a float and `%U` with `#` are not written; they give the complaint.
 */
import { arrayArg, type Builtin, builtinTable, stringArg } from "../builtin.ts";
import { bytesOfText } from "../rego-value/bytes.ts";
import { integerOf } from "../rego-value/number.ts";
import { RegoNumber, type RegoValue } from "../rego-value/value.ts";
import { quote, writeRego } from "../rego-value/write.ts";
import { goFloat } from "./go-float.ts";

type GoValue =
  | { readonly kind: "integer"; readonly value: bigint; readonly type: "int64" | "big.Int" }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string };

type Spec = {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
};

const DIRECTIVE = /%([-+# 0]*)(?:\[(\d+)\])?(\d+|\*)?(?:\.(\d+|\*)?)?(?:\[(\d+)\])?(.|$)/gsu;
const MAX_WIDTH = 10_000;

const sprintf: Builtin = (args) => {
  const format = stringArg(args, 0);
  const values = arrayArg(args, 1).map(toGo);
  let next = 0;
  let reordered = false;
  const text = format.replace(
    DIRECTIVE,
    (whole: string, flags: string, index1, width, precision, index2, verb: string) => {
      const explicit: string | undefined = index2 ?? index1;
      if (explicit !== undefined) {
        next = Number(explicit) - 1;
        reordered = true;
      }
      const takeNumber = (): number => {
        const value = values[next++];
        return value?.kind === "integer" ? Number(value.value) : 0;
      };
      const hasDot = /\.(?:\d+|\*)?(?:\[\d+\])?.$/su.test(whole);
      const spec: Spec = {
        flags,
        width: width === "*" ? takeNumber() : limited(width),
        precision: precision === "*" ? takeNumber() : (limited(precision) ?? (hasDot && verb !== "." ? 0 : undefined)),
        verb,
      };
      if (verb === "%") return "%";
      if (verb === "") return "%!(NOVERB)";
      if (next < 0) return `%!${verb}(BADINDEX)`;
      const value = values[next++];
      if (value === undefined) return explicit === undefined ? `%!${verb}(MISSING)` : `%!${verb}(BADINDEX)`;
      return one(spec, value);
    },
  );
  if (reordered || next >= values.length) return text;
  const extra = values.slice(next).map((value) => `${typeOf(value)}=${plain(value)}`);
  return `${text}%!(EXTRA ${extra.join(", ")})`;
};

function limited(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Math.min(Number(text), MAX_WIDTH);
}

const MAX_INT64 = 2n ** 63n;

function toGo(value: RegoValue): GoValue {
  if (typeof value === "string") return { kind: "string", value };
  if (!(value instanceof RegoNumber)) return { kind: "string", value: writeRego(value) };
  const isInteger = /^-?\d+(?:\.0+)?$/.test(value.text);
  const integer = isInteger ? integerOf(value.text) : undefined;
  if (integer !== undefined) {
    const fits = integer >= -MAX_INT64 && integer < MAX_INT64;
    return { kind: "integer", value: integer, type: fits ? "int64" : "big.Int" };
  }
  const float = Number(value.text);
  const asFloat = value.text.includes(".") && Number.isFinite(float);
  return asFloat ? { kind: "float", value: float } : { kind: "string", value: value.text };
}

function typeOf(value: GoValue): string {
  if (value.kind === "integer") return value.type;
  return value.kind === "float" ? "float64" : "string";
}

function plain(value: GoValue): string {
  return value.kind === "float" ? goFloat(value.value, "g", undefined) : String(value.value);
}

function one(spec: Spec, value: GoValue): string {
  if (spec.verb === "T") return pad(spec, typeOf(value));
  const text =
    value.kind === "string"
      ? stringVerb(spec, value.value)
      : value.kind === "float"
        ? floatVerb(spec, value.value)
        : integerVerb(spec, value.value);
  return text ?? `%!${spec.verb}(${typeOf(value)}=${plain(value)})`;
}

function stringVerb(spec: Spec, value: string): string | undefined {
  const cut = spec.precision === undefined ? value : [...value].slice(0, spec.precision).join("");
  switch (spec.verb) {
    case "s":
      return pad(spec, cut);
    case "v":
      return pad(spec, spec.flags.includes("#") ? quote(cut) : cut);
    case "q":
      return pad(spec, quote(cut));
    case "x":
    case "X": {
      const bytes = Buffer.from(bytesOfText(value)).subarray(0, spec.precision);
      const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
      const hex = pairs.join(spec.flags.includes(" ") ? " " : "");
      return pad(spec, spec.verb === "X" ? hex.toUpperCase() : hex);
    }
    default:
      return undefined;
  }
}

const RADIX: ReadonlyMap<string, number> = new Map([
  ["d", 10],
  ["v", 10],
  ["x", 16],
  ["X", 16],
  ["o", 8],
  ["O", 8],
  ["b", 2],
]);
const ALTERNATE: ReadonlyMap<string, string> = new Map([
  ["x", "0x"],
  ["X", "0X"],
  ["o", "0"],
  ["b", "0b"],
]);

function integerVerb(spec: Spec, value: bigint): string | undefined {
  if (spec.verb === "c") return pad(spec, codePoint(value));
  if (spec.verb === "q") return pad(spec, `'${codePoint(value)}'`);
  if (spec.verb === "U") return pad(spec, `U+${value.toString(16).toUpperCase().padStart(4, "0")}`);
  const isBig = value < -MAX_INT64 || value >= MAX_INT64;
  const radix = spec.verb === "s" && isBig ? 10 : RADIX.get(spec.verb);
  if (radix === undefined) return undefined;
  const magnitude = (value < 0n ? -value : value).toString(radix).padStart(spec.precision ?? 1, "0");
  const cased = spec.verb === "X" ? magnitude.toUpperCase() : magnitude;
  const prefix = spec.verb === "O" ? "0o" : spec.flags.includes("#") ? (ALTERNATE.get(spec.verb) ?? "") : "";
  return padNumber(spec, value < 0n, `${prefix}${cased}`, spec.precision === undefined);
}

function codePoint(value: bigint): string {
  return value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)).toWellFormed() : "\ufffd";
}

function floatVerb(spec: Spec, value: number): string | undefined {
  const verb = spec.verb === "v" ? "g" : spec.verb;
  if (!/^[eEfFgG]$/.test(verb)) return undefined;
  const fixed = /[eEfF]/.test(verb) ? 6 : undefined;
  const text = goFloat(Math.abs(value), verb, spec.precision ?? fixed);
  return padNumber(spec, value < 0 || Object.is(value, -0), text, true);
}

function padNumber(spec: Spec, negative: boolean, digits: string, mayZeroPad: boolean): string {
  const sign = negative ? "-" : spec.flags.includes("+") ? "+" : spec.flags.includes(" ") ? " " : "";
  if (mayZeroPad && spec.flags.includes("0") && !spec.flags.includes("-")) {
    return sign + digits.padStart((spec.width ?? 0) - sign.length, "0");
  }
  return pad(spec, sign + digits);
}

function pad(spec: Spec, text: string): string {
  const missing = (spec.width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (spec.flags.includes("-")) return text + " ".repeat(missing);
  return (spec.flags.includes("0") ? "0" : " ").repeat(missing) + text;
}

export const SPRINTF = builtinTable([["sprintf", sprintf]]);
