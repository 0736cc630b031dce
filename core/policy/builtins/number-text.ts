/**
 * Between numbers and texts, as Go does it: `format_int` with all digits of an integer, `json.marshal` with sorted keys and
 * `<`, `>`, `&` escaped, `to_number` of what fits a double; and `count` of a text, where each byte that is not UTF-8 is one.
 */
import { BuiltinError, builtinTable, numberArg, stringArg } from "../builtin.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue, regoInteger } from "../rego-value/value.ts";
import { writeGoJson } from "../rego-value/write.ts";
import { bigFloat, truncated } from "./big-float.ts";

const BASES: ReadonlyMap<string, number> = new Map([
  ["2", 2],
  ["8", 8],
  ["10", 10],
  ["16", 16],
]);

/** What has a fraction or an exponent is cut towards zero. */
function formatInteger(text: string, base: string): string {
  const radix = BASES.get(base);
  if (radix === undefined) throw new BuiltinError("operand 2 must be one of {2, 8, 10, 16}");
  const value = /^-?\d+$/.test(text) ? BigInt(text) : truncated(bigFloat(text));
  return value.toString(radix);
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** NB: `to_number("5.")` is a number to OPA, but none that JSON can say. */
function hasForeignNumber(value: RegoValue): boolean {
  if (value instanceof RegoNumber) return !JSON_NUMBER.test(value.text);
  if (isRegoArray(value)) return value.some(hasForeignNumber);
  if (value instanceof RegoSet) return value.items.some(hasForeignNumber);
  if (!(value instanceof RegoObject)) return false;
  return [...value.entries()].some(([, item]) => hasForeignNumber(item));
}

function marshalled([value]: readonly RegoValue[]): RegoValue | undefined {
  if (value === undefined) return undefined;
  if (hasForeignNumber(value)) throw new BuiltinError("invalid number literal");
  return writeGoJson(value);
}

const FLOAT = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;

/**
 * A decimal number as Go reads it: also `.5`, `5.`, `+5` and `007`, which JSON cannot say. These get a point behind their
 * last digit (`5.e-1`), so that they are computed and compared with as what they are, and refused where JSON is written.
 */
function toNumber(text: string): RegoNumber {
  const match = FLOAT.exec(text);
  const [, sign = "", whole = "", behind = "", alone = "", exponent = "0"] = match ?? [];
  const fraction = behind + alone;
  if (match === null) throw new BuiltinError("invalid syntax");
  if (!Number.isFinite(Number(text))) throw new BuiltinError("value out of range");
  if (JSON_NUMBER.test(text)) return new RegoNumber(text);
  const digits = (whole + fraction).replace(/^0+(?=\d)/, "");
  return new RegoNumber(`${sign === "-" ? "-" : ""}${digits}.e${BigInt(exponent) - BigInt(fraction.length)}`);
}

export const NUMBER_TEXT = builtinTable([
  ["count", (args) => regoInteger([...stringArg(args, 0)].length)],
  ["to_number", (args) => toNumber(stringArg(args, 0))],
  ["format_int", (args) => formatInteger(numberArg(args, 0), numberArg(args, 1))],
  ["json.marshal", marshalled],
]);
