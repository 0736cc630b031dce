/**
 * Rego's total order over values: null, booleans, numbers, strings, arrays, objects, sets; each by value. Strings by
 * bytes, which is the order of code points and not that of JavaScript's code units.
 */
import { compareNumberText } from "./number.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./value.ts";

export function compareRego(a: RegoValue, b: RegoValue): number {
  const kind = rank(a) - rank(b);
  if (kind !== 0) return kind;
  if (typeof a === "string" && typeof b === "string") return compareStrings(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof RegoNumber && b instanceof RegoNumber) return compareNumbers(a, b);
  if (a instanceof RegoSet && b instanceof RegoSet) return compareLists(a.items, b.items);
  if (a instanceof RegoObject && b instanceof RegoObject) return compareObjects(a, b);
  if (isRegoArray(a) && isRegoArray(b)) return compareLists(a, b);
  return 0;
}

function compareNumbers(a: RegoNumber, b: RegoNumber): number {
  const [left, right] = [a.small, b.small];
  return left === undefined || right === undefined ? compareNumberText(a.text, b.text) : left - right;
}

/** The entries of an object in Rego's order of keys. */
export function sortedEntries(object: RegoObject): (readonly [RegoValue, RegoValue])[] {
  return [...object.entries()].sort((a, b) => compareRego(a[0], b[0]));
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

function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  const left = [...a];
  const right = [...b];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function compareLists(a: readonly RegoValue[], b: readonly RegoValue[]): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = compareRego(a[at] ?? null, b[at] ?? null);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function compareObjects(a: RegoObject, b: RegoObject): number {
  const left = sortedEntries(a);
  const right = sortedEntries(b);
  const keys = compareLists(
    left.map(([key]) => key),
    right.map(([key]) => key),
  );
  if (keys !== 0) return keys;
  return compareLists(
    left.map(([, value]) => value),
    right.map(([, value]) => value),
  );
}
