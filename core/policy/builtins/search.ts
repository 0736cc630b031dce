/**
 * `indexof`, `replace` and `strings.replace_n` as Go does them. The module's own find an empty text at 0, never end where
 * they replace one, and of several texts take another one than the first in order.
 */
import {
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  MAX_BUILTIN_OUTPUT,
  objectArg,
  type Pay,
  stringArg,
} from "../builtin.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import { sortedEntries } from "../rego-value/order.ts";
import { regoInteger } from "../rego-value/value.ts";

/** In fuel: of a character that is looked at, of a text that may begin there, and of each of its characters. */
const PER_CHARACTER = 60;
const PER_CANDIDATE = 60;
const PER_CANDIDATE_CHARACTER = 5;
/** Of each place where something is put. */
const PER_FOUND = 1_200;
/** Searching may compare everything with everything. */
const MAX_STEPS = 100_000_000;

/** Steps of a search that a unit of fuel buys: comparing is some thousand times quicker than what an instruction of a module is paid. */
const STEPS_PER_UNIT = 10;

/** Position in code points. To Go each byte that is not UTF-8 is U+FFFD. */
function indexOf(text: string, search: string, pay: Pay): number {
  if (search === "") throw new BuiltinError("empty search character");
  if (text.length * search.length > MAX_STEPS) throw new BuiltinLimit("the texts are too long to search");
  pay(text.length * PER_CHARACTER + (text.length * search.length) / STEPS_PER_UNIT);
  const well = text.toWellFormed();
  const at = well.indexOf(search.toWellFormed());
  return at < 0 ? -1 : [...well.slice(0, at)].length;
}

type Pair = readonly [from: string, to: string];

/** A character for each byte: Go replaces bytes, and stands between any two of them for an empty text. */
const toBytes = (text: string) => Buffer.from(bytesOfText(text)).toString("latin1");
const fromBytes = (bytes: string) => textOfBytes(Buffer.from(bytes, "latin1"));

/**
 * The first of `pairs` that stands at a position is replaced, also where a later one is longer; an empty one stands
 * everywhere, but not twice at one position.
 */
function replaced(text: string, pairs: readonly Pair[], pay: Pay): string {
  const bytes = toBytes(text);
  const all = pairs.map(([from, to]) => ({ from: toBytes(from), to: toBytes(to) }));
  // Of sorted ones it is the first.
  const empty = all.find(({ from }) => from === "");
  const byFirst = Map.groupBy(
    all.filter(({ from }) => from !== ""),
    ({ from }) => from.charAt(0),
  );
  let made = "";
  let last = 0;
  const put = (at: number, to: string, length: number) => {
    pay(PER_FOUND);
    made += bytes.slice(last, at) + to;
    last = at + length;
    if (made.length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("the result is too large");
  };
  pay(bytes.length * PER_CHARACTER);
  for (let at = 0; at <= bytes.length; ) {
    if (empty !== undefined) put(at, empty.to, 0);
    const found = byFirst.get(bytes.charAt(at))?.find(({ from }) => {
      pay(PER_CANDIDATE + from.length * PER_CANDIDATE_CHARACTER);
      return bytes.startsWith(from, at);
    });
    if (found !== undefined) put(at, found.to, found.from.length);
    at += found?.from.length ?? 1;
  }
  return fromBytes(made + bytes.slice(last));
}

export const SEARCH = builtinTable([
  ["indexof", (args, { pay }) => regoInteger(indexOf(stringArg(args, 0), stringArg(args, 1), pay))],
  ["replace", (args, { pay }) => replaced(stringArg(args, 0), [[stringArg(args, 1), stringArg(args, 2)]], pay)],
  [
    "strings.replace_n",
    (args, { pay }) => {
      const text = stringArg(args, 1);
      const pairs = sortedEntries(objectArg(args, 0)).map((entry): Pair => [stringArg(entry, 0), stringArg(entry, 1)]);
      return replaced(text, pairs, pay);
    },
  ],
]);
