/**
 * Rego's total order over values: null, booleans, numbers, strings, arrays, objects, sets; each by value. Strings by
 * bytes, which is the order of code points and not that of JavaScript's code units.
 */
import { compareDecimals, compareNumberText } from "./number.ts";
import { isRegoArray, type RegoEntry, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./value.ts";

export function compareRego(a: RegoValue, b: RegoValue): number {
  if (typeof a === "string" && typeof b === "string") return compareStrings(a, b);
  if (a instanceof RegoNumber && b instanceof RegoNumber) return compareNumbers(a, b);
  const kind = rank(a) - rank(b);
  if (kind !== 0) return kind;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof RegoSet && b instanceof RegoSet) return compareLists(a.items, b.items);
  if (a instanceof RegoObject && b instanceof RegoObject) return compareObjects(a, b);
  if (isRegoArray(a) && isRegoArray(b)) return compareLists(a, b);
  return 0;
}

function compareNumbers(a: RegoNumber, b: RegoNumber): number {
  const [left, right] = [a.short, b.short];
  if (left !== undefined && right !== undefined) return left - right;
  const [x, y] = [a.decimal, b.decimal];
  return x === undefined || y === undefined ? compareNumberText(a.text, b.text) : compareDecimals(x, y);
}

/** The entries of an object in Rego's order of keys. */
export function sortedEntries(object: RegoObject): readonly RegoEntry[] {
  return object.sortedBy(compareRego);
}

/** A set of these items: sorted, without doubles. */
export function regoSet(items: Iterable<RegoValue>): RegoSet {
  const sorted = [...items].sort(compareRego);
  return new RegoSet(
    sorted.filter((item, at) => {
      const before = sorted[at - 1];
      return before === undefined || compareRego(before, item) !== 0;
    }),
  );
}

export function equalRego(a: RegoValue, b: RegoValue): boolean {
  return compareRego(a, b) === 0;
}

function rank(value: RegoValue): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return 1;
  if (value instanceof RegoNumber) return 2;
  if (typeof value === "string") return 3;
  if (isRegoArray(value)) return 4;
  return value instanceof RegoObject ? 5 : 6;
}

const SURROGATE = /[\ud800-\udfff]/;

/** NB: looks no further than the shorter one goes; a long text that meets many short ones would not be paid for otherwise. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  if (!SURROGATE.test(a.slice(0, end)) && !SURROGATE.test(b.slice(0, end))) return a < b ? -1 : 1;
  let at = 0;
  while (at < end && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  // Two pairs may differ in their second halves, or one may be a first half alone.
  if (isFirstHalf(a, at - 1) && (isSecondHalf(a, at) || isSecondHalf(b, at))) at--;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

function isFirstHalf(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800;
}

function isSecondHalf(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}

function compareLists(a: readonly RegoValue[], b: readonly RegoValue[]): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = compareRego(a[at] ?? null, b[at] ?? null);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** By all keys, then by all values. */
function compareObjects(a: RegoObject, b: RegoObject): number {
  const left = sortedEntries(a);
  const right = sortedEntries(b);
  return compareParts(left, right, 0) || left.length - right.length || compareParts(left, right, 1);
}

function compareParts(a: readonly RegoEntry[], b: readonly RegoEntry[], part: 0 | 1): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = compareRego(a[at]?.[part] ?? null, b[at]?.[part] ?? null);
    if (difference !== 0) return difference;
  }
  return 0;
}
