/** The functions that Go's templates bring along. Arguments come unevaluated, since `and` and `or` stop at the first. */
import { BuiltinError, type Pay } from "../../builtin.ts";
import { escapeQuery } from "../../go-query.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet } from "../../rego-value/value.ts";
import { goFormat, type GoValue } from "../go-format/format.ts";
import { isTrue, MISSING, printed, type Value } from "./values.ts";

type Argument = () => Value;
type Call = (values: readonly Value[], pay: Pay) => Value;

/** In fuel: of each character of a text that is given, and of one that is made. */
const PER_CHARACTER = 20;
const PER_MADE_CHARACTER = 200;
const PER_PRINTF = 8_000;

export function callFunction(name: string, given: readonly Argument[], pay: Pay): Value {
  if (name === "and" || name === "or") return firstThat(given, name === "or");
  const call = CALLS.get(name);
  if (call === undefined) throw new BuiltinError(`template: function "${name}" not defined`);
  const values = given.map((argument) => argument());
  pay(values.reduce<number>((sum, value) => sum + sizeOf(value), 0) * PER_CHARACTER);
  const made = call(values, pay);
  if (typeof made === "string" && name !== "index" && name !== "slice") pay(made.length * PER_MADE_CHARACTER);
  return made;
}

function sizeOf(value: Value): number {
  return typeof value === "string" || (typeof value === "object" && value !== null && isRegoArray(value))
    ? value.length
    : 0;
}

function firstThat(given: readonly Argument[], isWanted: boolean): Value {
  if (given.length === 0) throw new BuiltinError("template: wrong number of arguments");
  let value: Value = MISSING;
  for (const argument of given) {
    value = argument();
    if (isTrue(value) === isWanted) break;
  }
  return value;
}

function taking(count: number, call: Call): Call {
  return (values, pay) => {
    if (values.length !== count) throw new BuiltinError("template: wrong number of arguments");
    return call(values, pay);
  };
}

const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["not", taking(1, ([value = MISSING]) => !isTrue(value))],
  ["len", taking(1, ([value = MISSING]) => length(value))],
  ["index", index],
  ["slice", slice],
  ["print", (values) => joined(values)],
  ["println", (values) => `${values.map(printed).join(" ")}\n`],
  ["printf", printf],
  ["html", (values) => escaped(joined(values), HTML)],
  ["js", (values) => escaped(joined(values), JS)],
  ["urlquery", (values) => escapeQuery(joined(values))],
  ["eq", equal],
  ["ne", taking(2, ([a = MISSING, b = MISSING]) => !isEqual(a, b))],
  ["lt", taking(2, ([a = MISSING, b = MISSING]) => compare(a, b) < 0)],
  ["le", taking(2, ([a = MISSING, b = MISSING]) => compare(a, b) <= 0)],
  ["gt", taking(2, ([a = MISSING, b = MISSING]) => compare(a, b) > 0)],
  ["ge", taking(2, ([a = MISSING, b = MISSING]) => compare(a, b) >= 0)],
]);

function printf([format, ...values]: readonly Value[], pay: Pay): string {
  pay(PER_PRINTF);
  return goFormat(textOf(format), values.map(toGo), pay);
}

function length(value: Value): bigint {
  const text = textLike(value);
  if (text !== undefined) return BigInt(Buffer.byteLength(text));
  if (value instanceof RegoObject) return BigInt(value.size);
  if (value instanceof RegoSet) return BigInt(value.items.length);
  if (typeof value === "object" && value !== null && isRegoArray(value)) return BigInt(value.length);
  throw new BuiltinError("template: len of a value that has none");
}

function index([value = MISSING, ...keys]: readonly Value[]): Value {
  return keys.reduce((at, key) => {
    if (at instanceof RegoObject) return at.get(textOf(key)) ?? MISSING;
    const items = at instanceof RegoSet ? at.items : at;
    const isList = typeof items === "object" && items !== null && !(items instanceof RegoObject) && isRegoArray(items);
    if (!isList || typeof key !== "bigint") throw new BuiltinError("template: can't index item");
    const item = key >= 0n ? items[Number(key)] : undefined;
    if (item === undefined) throw new BuiltinError("template: index out of range");
    return item;
  }, value);
}

function slice([value = MISSING, from = 0n, to]: readonly Value[]): Value {
  const items =
    typeof value === "string"
      ? value
      : typeof value === "object" && value !== null && isRegoArray(value)
        ? value
        : undefined;
  if (items === undefined || typeof from !== "bigint") throw new BuiltinError("template: can't slice item");
  const end = to === undefined ? BigInt(items.length) : to;
  if (typeof end !== "bigint" || from < 0n || from > end || end > BigInt(items.length)) {
    throw new BuiltinError("template: index out of range");
  }
  return items.slice(Number(from), Number(end));
}

/** Spaces only between two that are no texts. */
function joined(values: readonly Value[]): string {
  return values.reduce<string>((text, value, at) => {
    const before = values[at - 1];
    const isSpaced = at > 0 && typeof value !== "string" && typeof before !== "string";
    return text + (isSpaced ? " " : "") + (value === MISSING || value === null ? "<nil>" : printed(value));
  }, "");
}

function textLike(value: Value): string | undefined {
  return typeof value === "string" ? value : value instanceof RegoNumber ? value.text : undefined;
}

function textOf(value: Value | undefined): string {
  const text = value === undefined ? undefined : textLike(value);
  if (text === undefined) throw new BuiltinError("template: wrong type of argument, expected string");
  return text;
}

function toGo(value: Value): GoValue {
  if (typeof value === "bigint") return { kind: "int64", value };
  if (typeof value === "number") return { kind: "float64", value };
  return { kind: "string", value: value === MISSING || value === null ? "<nil>" : printed(value) };
}

function equal([first = MISSING, ...others]: readonly Value[]): boolean {
  if (others.length === 0) throw new BuiltinError("template: missing argument for comparison");
  return others.some((other) => isEqual(first, other));
}

function isEqual(a: Value, b: Value): boolean {
  if (a === MISSING || a === null || b === MISSING || b === null) return kindOf(a) === kindOf(b);
  if (kindOf(a) !== kindOf(b)) throw new BuiltinError("template: incompatible types for comparison");
  if (kindOf(a) === "other") throw new BuiltinError("template: non-comparable types");
  return (textLike(a) ?? a) === (textLike(b) ?? b);
}

function kindOf(value: Value): string {
  if (value === MISSING || value === null) return "nil";
  return textLike(value) !== undefined ? "string" : typeof value === "object" ? "other" : typeof value;
}

function compare(a: Value, b: Value): number {
  const [left, right] = [textLike(a), textLike(b)];
  if (left !== undefined && right !== undefined) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  if (typeof a === "bigint" && typeof b === "bigint") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "number" && typeof b === "number") return a - b;
  throw new BuiltinError("template: invalid type for comparison");
}

const HTML: ReadonlyMap<string, string> = new Map([
  ["\0", "\ufffd"],
  ['"', "&#34;"],
  ["'", "&#39;"],
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);
const JS: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ["'", "\\'"],
  ['"', '\\"'],
  ["<", "\\u003C"],
  [">", "\\u003E"],
  ["&", "\\u0026"],
  ["=", "\\u003D"],
]);

function escaped(text: string, table: ReadonlyMap<string, string>): string {
  let result = "";
  for (const char of text) {
    const isControl = table === JS && char < " ";
    const control = `\\u00${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, "0")}`;
    result += table.get(char) ?? (isControl ? control : char);
  }
  return result;
}
