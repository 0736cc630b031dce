/** String built-ins that compiled modules leave to the host. Positions count code points, as in OPA. */
import {
  arrayArg,
  type Builtin,
  builtinTable,
  BuiltinError,
  BuiltinLimit,
  itemsArg,
  MAX_BUILTIN_OUTPUT,
  objectArg,
  smallIntegerArg,
  stringArg,
  stringsArg,
} from "../builtin.ts";
import { type RegoValue, regoInteger } from "../rego-value/value.ts";
import { executeTemplate } from "./template/execute.ts";
import { parseTemplate } from "./template/syntax.ts";

/** Searching may compare everything with everything; these many steps take some ten milliseconds. */
const MAX_STEPS = 100_000_000;
/** The same, character by character. */
const MAX_SLOW_STEPS = 2_000_000;
/** In fuel. */
const PER_TEXT = 50;
const PER_COMPARISON = 60;
const PER_CHARACTER = 10;
/** Of each place where a text was found. */
const PER_POSITION = 600;
const SURROGATE = /[\ud800-\udfff]/;

function refuseLongSearch(text: string, search: string, steps = MAX_STEPS): void {
  if (text.length * search.length > steps) throw new BuiltinLimit("the texts are too long to search");
}

/** Start positions (code points) of `search` in `text`; occurrences may overlap. */
function positions(text: string, search: string): number[] {
  if (search === "") throw new BuiltinError("empty search character");
  return SURROGATE.test(text) ? positionsByCharacter(text, search) : positionsByUnit(text, search);
}

function positionsByUnit(text: string, search: string): number[] {
  refuseLongSearch(text, search);
  const found: number[] = [];
  for (let at = text.indexOf(search); at >= 0; at = text.indexOf(search, at + 1)) found.push(at);
  return found;
}

function positionsByCharacter(text: string, search: string): number[] {
  refuseLongSearch(text, search, MAX_SLOW_STEPS);
  const chars = [...text];
  const wanted = [...search];
  const found: number[] = [];
  for (let at = 0; at + wanted.length <= chars.length; at++) {
    if (wanted.every((char, offset) => chars[at + offset] === char)) found.push(at);
  }
  return found;
}

function count(text: string, search: string): number {
  refuseLongSearch(text, search);
  return search === "" ? [...text].length + 1 : text.split(search).length - 1;
}

/** Whether one of the texts has, at one of its ends, one of `parts`. */
function anyMatch(isAt: (text: string, part: string) => boolean): Builtin {
  return (args, { pay }) => {
    const parts = stringsArg(args, 1);
    const total = parts.reduce((sum, { length }) => sum + length, 0);
    return stringsArg(args, 0).some((text) => {
      const characters = Math.min(total, parts.length * text.length);
      pay(PER_TEXT + parts.length * PER_COMPARISON + characters * PER_CHARACTER);
      return parts.some((part) => isAt(text, part));
    });
  };
}

/** In the order of the array, or of the set's items. */
function concat(separator: string, items: readonly RegoValue[]): string {
  const texts = items.map((_, at) => stringArg(items, at));
  const length = texts.reduce((sum, text) => sum + text.length + separator.length, 0);
  if (length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("result is too large");
  return texts.join(separator);
}

export const STRINGS = builtinTable([
  ["concat", (args) => concat(stringArg(args, 0), itemsArg(args, 1))],
  ["strings.any_prefix_match", anyMatch((text, prefix) => text.startsWith(prefix))],
  ["strings.any_suffix_match", anyMatch((text, suffix) => text.endsWith(suffix))],
  ["strings.count", (args) => regoInteger(count(stringArg(args, 0), stringArg(args, 1)))],
  [
    "indexof_n",
    (args, { pay }) => {
      const found = positions(stringArg(args, 0), stringArg(args, 1));
      pay(found.length * PER_POSITION);
      return found.map(regoInteger);
    },
  ],
  [
    "strings.split_n",
    (args) => {
      const [text, separator] = [stringArg(args, 0), stringArg(args, 1)];
      refuseLongSearch(text, separator);
      const parts = separator === "" ? [...text] : text.split(separator);
      const count = smallIntegerArg(args, 2);
      return count < 0 ? parts.slice(count) : parts.slice(0, count);
    },
  ],
  [
    "strings.render_template",
    (args, { pay }) => executeTemplate(parseTemplate(stringArg(args, 0), pay), objectArg(args, 1), pay),
  ],
  ["array.flatten", (args) => arrayArg(args, 0).flatMap((item) => (Array.isArray(item) ? item : [item]))],
]);
