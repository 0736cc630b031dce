/**
 * Writes values as text: Rego text (what `opa_value_parse` reads: sets as `{…}` and `set()`, any value as key) or JSON
 * (sets as lists in Rego's order, keys that are not strings as their JSON text).
 */
import type { Json } from "../../domain/subject.ts";
import { sortedEntries } from "./order.ts";
import { regoOf } from "./plain.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./value.ts";

export function writeRego(value: RegoValue): string {
  return writeTerm(value, quote);
}

/** The same with texts quoted in another way. */
export function writeTerm(value: RegoValue, quoteText: (text: string) => string): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return quoteText(value);
  if (value instanceof RegoNumber) return value.text;
  if (isRegoArray(value)) return `[${value.map((item) => writeTerm(item, quoteText)).join(", ")}]`;
  if (value instanceof RegoSet) {
    if (value.items.length === 0) return "set()";
    return `{${value.items.map((item) => writeTerm(item, quoteText)).join(", ")}}`;
  }
  const entries = sortedEntries(value);
  const members = entries.map(([key, item]) => `${writeTerm(key, quoteText)}: ${writeTerm(item, quoteText)}`);
  return `{${members.join(", ")}}`;
}

/** Whether the Rego text of a value has more characters, about. */
export function isLongerThan(value: RegoValue, characters: number): boolean {
  return lengthOf(value, characters) > characters;
}

/**
 * How many characters the Rego text of a value has, about, or some number above `most`, at which it stops to count. Parts
 * that a value holds many times over are counted each time, as they would be written.
 */
export function lengthOf(value: RegoValue, most = Number.MAX_SAFE_INTEGER): number {
  let left = most;
  const count = (part: RegoValue): boolean => {
    left -= 2;
    if (typeof part === "string") left -= part.length;
    else if (part instanceof RegoNumber) left -= part.text.length;
    else if (isRegoArray(part)) return part.some(count);
    else if (part instanceof RegoSet) return part.items.some(count);
    else if (part instanceof RegoObject) {
      for (const [key, item] of part.entries()) if (count(key) || count(item)) return true;
    }
    return left < 0;
  };
  count(value);
  return most - left;
}

/** JSON without spaces, in the order of insertion. */
export function writeJson(value: RegoValue): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return quote(value);
  if (value instanceof RegoNumber) return value.text;
  if (isRegoArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (value instanceof RegoSet) return `[${value.items.map(writeJson).join(",")}]`;
  const parts: string[] = [];
  for (const [key, item] of value.entries()) parts.push(`${jsonKey(key)}:${writeJson(item)}`);
  return `{${parts.join(",")}}`;
}

/**
 * `writeJson(regoOf(json))`, mostly by the engine itself: what comes from outside has hardly ever half a surrogate pair in it, which is what
 * the two would write differently.
 */
export function writePlainJson(json: Json): string {
  const text = JSON.stringify(json);
  return SURROGATE_ESCAPE.test(text) ? writeJson(regoOf(json)) : text;
}

/** Also matches a backslash that the text itself has, followed by these letters; that one is only slower. */
const SURROGATE_ESCAPE = /\\ud[89a-f]/;

/** JSON as Go's encoding/json writes it: keys sorted, `<`, `>`, `&`, U+2028, U+2029 and bytes that are not UTF-8 escaped. */
export function writeGoJson(value: RegoValue): string {
  if (isRegoArray(value)) return `[${value.map(writeGoJson).join(",")}]`;
  if (value instanceof RegoSet) return `[${value.items.map(writeGoJson).join(",")}]`;
  if (value instanceof RegoObject) {
    return `{${sortedEntries(value)
      .map(([key, item]) => `${goEscape(jsonKey(key))}:${writeGoJson(item)}`)
      .join(",")}}`;
  }
  return typeof value === "string" ? goEscape(quote(value)) : writeJson(value);
}

const GO_ESCAPED = /[<>&\u2028\u2029]/g;
/** A byte that is not UTF-8; a U+FFFD that was there before stays as it is. */
const FOREIGN_BYTE = /\p{Cs}/gu;

function goEscape(quoted: string): string {
  const known = quoted.isWellFormed() ? quoted : quoted.replace(FOREIGN_BYTE, String.raw`\ufffd`);
  return known.replace(GO_ESCAPED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function jsonKey(key: RegoValue): string {
  return quote(typeof key === "string" ? key : writeJson(key));
}

/**
 * A quoted string. NB: `JSON.stringify` writes an unpaired surrogate as an escape, which the WebAssembly parser aborts
 * on; here it stays in the text, and bytes.ts turns it back into the byte that it stands for.
 */
function quote(text: string): string {
  if (text.isWellFormed()) return JSON.stringify(text);
  let quoted = "";
  for (const char of text) quoted += isUnpaired(char) ? char : JSON.stringify(char).slice(1, -1);
  return `"${quoted}"`;
}

function isUnpaired(char: string): boolean {
  return char.length === 1 && !char.isWellFormed();
}
