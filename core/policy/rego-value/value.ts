/**
 * Rego values outside of WebAssembly. Plain JavaScript values cannot carry them: numbers beyond 2^53 would be rounded,
 * sets would become lists, and `__proto__` is a legal key. So a number keeps its text, a set is its own class (sorted,
 * without doubles), and an object is a map whose keys may be any value.
 *
 * Strings are JavaScript strings; a byte that is not UTF-8 is one unpaired surrogate U+DC80–U+DCFF (see bytes.ts).
 */
import { canonicalNumberText, type Decimal, parseDecimal, shortNumberOf } from "./number.ts";

export type RegoValue = null | boolean | string | RegoNumber | readonly RegoValue[] | RegoSet | RegoObject;

export class RegoNumber {
  /** JSON number text, kept exactly as written. */
  readonly text: string;
  /** Null until they are asked for: a set of some hundred numbers is sorted by thousands of comparisons. */
  #short: number | undefined | null = null;
  #decimal: Decimal | undefined | null = null;
  constructor(text: string) {
    this.text = text;
  }
  /** Of most numbers: the double that they are compared as. */
  get short(): number | undefined {
    if (this.#short === null) this.#short = shortNumberOf(this.text);
    return this.#short;
  }
  get decimal(): Decimal | undefined {
    if (this.#decimal === null) this.#decimal = parseDecimal(this.text);
    return this.#decimal;
  }
}

/** Items are sorted in Rego's order and unique: made by `regoSet` (order.ts). */
export class RegoSet {
  readonly items: readonly RegoValue[];
  constructor(sortedItems: readonly RegoValue[]) {
    this.items = sortedItems;
  }
}

export type RegoEntry = readonly [key: RegoValue, value: RegoValue];

export class RegoObject {
  #entries: ReadonlyMap<string, RegoEntry>;
  #sorted: readonly RegoEntry[] | undefined;
  constructor(entries: Iterable<RegoEntry>) {
    const map = new Map<string, RegoEntry>();
    for (const entry of entries) map.set(keyText(entry[0]), entry);
    this.#entries = map;
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: RegoValue): RegoValue | undefined {
    return this.#entries.get(keyText(key))?.[1];
  }
  has(key: RegoValue): boolean {
    return this.#entries.has(keyText(key));
  }
  /** In order of insertion. */
  entries(): Iterable<RegoEntry> {
    return this.#entries.values();
  }
  /** In Rego's order, which `compare` has to be (order.ts). Sorted once: a set of objects is sorted by comparing each many times. */
  sortedBy(compare: (a: RegoValue, b: RegoValue) => number): readonly RegoEntry[] {
    this.#sorted ??= [...this.entries()].sort((a, b) => compare(a[0], b[0]));
    return this.#sorted;
  }
  /** A copy with this entry, in the place of one with an equal key. The texts of the other keys are not made anew. */
  with(key: RegoValue, value: RegoValue): RegoObject {
    return this.#copy((map) => map.set(keyText(key), [key, value]));
  }
  without(key: RegoValue): RegoObject {
    return this.#copy((map) => map.delete(keyText(key)));
  }
  #copy(change: (map: Map<string, RegoEntry>) => void): RegoObject {
    const map = new Map(this.#entries);
    change(map);
    const copy = new RegoObject([]);
    copy.#entries = map;
    return copy;
  }
}

/** A map key that is the same for equal values: `1` and `1.0` are one key, `1` and `"1"` are two. */
function keyText(key: RegoValue): string {
  if (typeof key === "string") return `"${key}`;
  if (key === null || typeof key === "boolean") return String(key);
  if (key instanceof RegoNumber) return canonicalNumberText(key.text);
  if (isRegoArray(key)) return `[${key.map(nestedKeyText).join()}]`;
  if (key instanceof RegoSet) return `s{${key.items.map(nestedKeyText).join()}}`;
  return `{${[...key.entries()]
    .map((pair) => pair.map(nestedKeyText).join(":"))
    .sort()
    .join()}}`;
}

function nestedKeyText(value: RegoValue): string {
  return typeof value === "string" ? JSON.stringify(value) : keyText(value);
}

/** An integer. `value` must be an integer; a bigint keeps all digits. */
export function regoInteger(value: number | bigint): RegoNumber {
  return new RegoNumber(BigInt(value).toString());
}

export function isRegoArray(value: RegoValue | undefined): value is readonly RegoValue[] {
  return Array.isArray(value);
}
