/**
 * Values as YAML, laid out and quoted as Go's yaml.v2 does it: keys in natural order, lists not indented inside objects,
 * quotes only where a plain text would be read as something else.
 */
import { BuiltinError } from "../../builtin.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../../rego-value/value.ts";
import { writeJson } from "../../rego-value/write.ts";
import { goFloat } from "../go-float.ts";
import { compareKeys } from "./key-order.ts";
import { refuseControl } from "./read.ts";
import { resolveScalar } from "./scalar.ts";

const STEP = 2;
/** A longer key is written as `? key`. */
const MAX_SIMPLE_KEY = 128;

export function writeYaml(value: RegoValue): string {
  // The library goes by way of JSON, which leaves these characters as they are.
  refuseControl(writeJson(value));
  return `${block(value, 0, 0).replace(/^\n/, "")}\n`;
}

/** What follows `key:` or stands alone: nothing, one line after a space, or lines that begin with a line break. */
function block(value: RegoValue, indent: number, column: number): string {
  if (value instanceof RegoSet) return block(value.items, indent, column);
  if (isRegoArray(value)) return value.length === 0 ? "[]" : sequence(value, indent);
  if (value instanceof RegoObject) return value.size === 0 ? "{}" : mapping(value, indent);
  if (typeof value === "string") return text(value, indent, column);
  return value instanceof RegoNumber ? number(value.text) : String(value);
}

function sequence(items: readonly RegoValue[], indent: number): string {
  const lines = items.map((item) => {
    const inner = block(item, indent + STEP, indent + STEP);
    // A collection begins on the line of its dash.
    return `- ${inner.replace(/^\n */, "")}`;
  });
  return `\n${lines.map((line) => " ".repeat(indent) + line).join("\n")}`;
}

function mapping(object: RegoObject, indent: number): string {
  const entries = [...object.entries()].map(([key, item]): [string, RegoValue] => [
    typeof key === "string" ? key : writeJson(key),
    item,
  ]);
  const lines = entries
    .toSorted(([a], [b]) => compareKeys(a, b))
    .map(([key, item]) => {
      const isList = (isRegoArray(item) && item.length > 0) || (item instanceof RegoSet && item.items.length > 0);
      const start = keyOf(key, indent);
      const column = indent + start.length - start.lastIndexOf("\n");
      const inner = block(item, isList ? indent : indent + STEP, column);
      return `${start}${inner.startsWith("\n") ? "" : " "}${inner}`;
    });
  return `\n${lines.map((line) => " ".repeat(indent) + line).join("\n")}`;
}

function number(written: string): string {
  const resolved = resolveScalar(written);
  if (resolved.kind !== "value" || !(resolved.value instanceof RegoNumber)) throw new BuiltinError("yaml: bad number");
  const isInteger = /^-?\d+$/.test(resolved.value.text) && !/[.eE]/.test(written);
  return isInteger ? resolved.value.text : goFloat(Number(written), "g", undefined);
}

const BREAK = /[\n\r\u0085\u2028\u2029]/;
/** NB: characters beyond the basic plane count as not printable there. */
const UNPRINTABLE = /[^\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** The key with its colon. A long key, or one of several lines, is written as `? key`. */
function keyOf(key: string, indent: number): string {
  const isSimple = !BREAK.test(key) && Buffer.byteLength(key) <= MAX_SIMPLE_KEY;
  if (isSimple) return `${oneLine(key)}:`;
  return `? ${text(key, indent + STEP, indent + STEP)}\n${" ".repeat(indent)}:`;
}

/** Lines are broken at the first single space beyond this column. */
const WIDTH = 80;

function folded(line: string, indent: number, column: number): string {
  let at = column;
  let result = "";
  for (const [index, char] of [...line].entries()) {
    const isSingle = char === " " && line[index - 1] !== " " && line[index + 1] !== " ";
    if (isSingle && at > WIDTH) {
      result += `\n${" ".repeat(indent)}`;
      at = indent;
    } else {
      result += char;
      at++;
    }
  }
  return result;
}

function text(value: string, indent: number, column: number): string {
  if (!value.includes("\n")) return folded(oneLine(value), Math.max(indent, STEP), column);
  const mayBeBlock = !UNPRINTABLE.test(value) && !/ $| [\n\r\u0085\u2028\u2029]/.test(value);
  return mayBeBlock ? literal(value, Math.max(indent, STEP)) : doubleQuoted(value);
}

function literal(value: string, indent: number): string {
  const hint = /^[ \n]/.test(value) ? String(STEP) : "";
  const chomp = !value.endsWith("\n") ? "-" : value === "\n" || value.endsWith("\n\n") ? "+" : "";
  const lines = (chomp === "-" ? value : value.slice(0, -1)).split("\n");
  return `|${hint}${chomp}\n${lines.map((line) => (line === "" ? "" : " ".repeat(indent) + line)).join("\n")}`;
}

function oneLine(value: string): string {
  const isText = resolveScalar(value).kind === "text" && !isTimestamp(value) && !BASE_60.test(value);
  if (!isText) return doubleQuoted(value);
  if (UNPRINTABLE.test(value) || / [\r\u0085\u2028\u2029]/.test(value) || BREAK.test(value)) return doubleQuoted(value);
  return isPlain(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

function isPlain(value: string): boolean {
  if (/^ | $/.test(value) || /^(?:---|\.\.\.)/.test(value)) return false;
  return !/^[#,[\]{}&*!|>'"%@`]/.test(value) && !/^[?:-](?: |$)/.test(value) && !/:(?: |$)| #/.test(value);
}

function isTimestamp(value: string): boolean {
  const found = /^\d{4}-(\d\d?)-(\d\d?)(?:[Tt ](\d\d?):(\d\d?):(\d\d?)(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?$/.exec(value);
  if (found === null) return false;
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map((part) => Number(part ?? "0"));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 60;
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ "\0": "0", "\u0007": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r" }).concat(
    Object.entries({ "\u001b": "e", '"': '"', "\\": "\\", "\u0085": "N", "\u2028": "L", "\u2029": "P" }),
  ),
);

function doubleQuoted(value: string): string {
  let quoted = "";
  for (const char of value) {
    const escape = ESCAPES.get(char);
    if (escape !== undefined) quoted += `\\${escape}`;
    else quoted += UNPRINTABLE.test(char) ? numeric(char.codePointAt(0) ?? 0) : char;
  }
  return `"${quoted}"`;
}

function numeric(code: number): string {
  const hex = (length: number): string => code.toString(16).toUpperCase().padStart(length, "0");
  return code <= 0xff ? `\\x${hex(2)}` : code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
