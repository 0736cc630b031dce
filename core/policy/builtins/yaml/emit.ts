/**
 * Values as YAML, laid out and quoted as Go's yaml.v2 does it: keys in natural order, lists not indented inside objects,
 * quotes only where a plain text would be read as something else.
 */
import { BuiltinError, BuiltinLimit, type Pay } from "../../builtin.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../../rego-value/value.ts";
import { writeJson } from "../../rego-value/write.ts";
import { goFloat } from "../go-float.ts";
import { MadeText } from "../made-text.ts";
import { compareKeys } from "./key-order.ts";
import { MAX_DEPTH, refuseControl } from "./read.ts";
import { resolveScalar } from "./scalar.ts";

const STEP = 2;
/** A longer key is written as `? key`. */
const MAX_SIMPLE_KEY = 128;

/** Pays for all that it makes, also for the blanks that depth puts before each line. */
export function writeYaml(value: RegoValue, pay: Pay): string {
  // The library goes by way of JSON, which leaves these characters as they are.
  refuseControl(writeJson(value));
  const made = new MadeText(pay);
  write(value, { indent: 0, depth: 0, begins: "here" }, made);
  made.add("\n");
  return made.text;
}

type Place = {
  readonly indent: number;
  readonly depth: number;
  /** A collection: on the line at hand, as behind a dash, or on the next, as behind a key. */
  readonly begins: "here" | "below";
};

function write(value: RegoValue, place: Place, made: MadeText): void {
  if (place.depth > MAX_DEPTH) throw new BuiltinLimit("yaml: the value is nested too deeply");
  if (value instanceof RegoSet) write(value.items, place, made);
  else if (isRegoArray(value) && value.length > 0) sequence(value, place, made);
  else if (value instanceof RegoObject && value.size > 0) mapping(value, place, made);
  else {
    if (place.begins === "below") made.add(" ");
    if (typeof value === "string") text(value, place.indent, made);
    else made.add(isRegoArray(value) ? "[]" : value instanceof RegoObject ? "{}" : word(value));
  }
}

function sequence(items: readonly RegoValue[], { indent, depth, begins }: Place, made: MadeText): void {
  for (const [at, item] of items.entries()) {
    if (at > 0 || begins === "below") made.breakLine(indent);
    made.add("- ");
    write(item, { indent: indent + STEP, depth: depth + 1, begins: "here" }, made);
  }
}

function mapping(object: RegoObject, { indent, depth, begins }: Place, made: MadeText): void {
  const entries = [...object.entries()].map(([key, item]) => {
    const name = typeof key === "string" ? key : writeJson(key);
    return { name, characters: [...name], item };
  });
  for (const [at, { name, item }] of entries.toSorted((a, b) => compareKeys(a.characters, b.characters)).entries()) {
    if (at > 0 || begins === "below") made.breakLine(indent);
    writeKey(name, indent, made);
    const isList = (isRegoArray(item) && item.length > 0) || (item instanceof RegoSet && item.items.length > 0);
    write(item, { indent: isList ? indent : indent + STEP, depth: depth + 1, begins: "below" }, made);
  }
}

function word(value: null | boolean | RegoNumber): string {
  return value instanceof RegoNumber ? number(value.text) : String(value);
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

/** With its colon. A long key, or one of several lines, is written as `? key`. */
function writeKey(key: string, indent: number, made: MadeText): void {
  const isSimple = !BREAK.test(key) && Buffer.byteLength(key) <= MAX_SIMPLE_KEY;
  if (isSimple) made.add(oneLine(key));
  else {
    made.add("? ");
    text(key, indent + STEP, made);
    made.breakLine(indent);
  }
  made.add(":");
}

/** Lines are broken at the first single space beyond this column. */
const WIDTH = 80;

function folded(line: string, indent: number, made: MadeText): void {
  let [column, from] = [made.column, 0];
  for (let at = 0; at < line.length; at++) {
    const isSingle = line[at] === " " && line[at - 1] !== " " && line[at + 1] !== " ";
    if (isSingle && column > WIDTH) {
      made.add(line.slice(from, at));
      made.breakLine(indent);
      [column, from] = [indent, at + 1];
    } else column++;
  }
  made.add(line.slice(from));
}

function text(value: string, indent: number, made: MadeText): void {
  const mayBeBlock = !UNPRINTABLE.test(value) && !/ $| [\n\r\u0085\u2028\u2029]/.test(value);
  if (!value.includes("\n")) folded(oneLine(value), Math.max(indent, STEP), made);
  else if (mayBeBlock) literal(value, Math.max(indent, STEP), made);
  else made.add(doubleQuoted(value));
}

function literal(value: string, indent: number, made: MadeText): void {
  const hint = /^[ \n]/.test(value) ? String(STEP) : "";
  const chomp = !value.endsWith("\n") ? "-" : value === "\n" || value.endsWith("\n\n") ? "+" : "";
  made.add(`|${hint}${chomp}`);
  for (const line of (chomp === "-" ? value : value.slice(0, -1)).split("\n")) {
    made.breakLine(line === "" ? 0 : indent);
    made.add(line);
  }
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
