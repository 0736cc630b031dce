/**
 * Rego values outside of WebAssembly. Plain JavaScript values cannot carry them: numbers beyond 2^53 would be rounded,
 * sets would become lists, and `__proto__` is a legal key. So a number keeps its text, a set is its own class (sorted,
 * without doubles), and an object is a map whose keys may be any value.
 *
 * Strings are JavaScript strings; a byte that is not UTF-8 is one unpaired surrogate U+DC80–U+DCFF (see bytes.ts).
 */
import { canonicalNumberText, smallIntegerOf } from "./number.ts";

export type RegoValue = null | boolean | string | RegoNumber | readonly RegoValue[] | RegoSet | RegoObject;

export class RegoNumber {
  /** JSON number text, kept exactly as written. */
  readonly text: string;
  /** Null until it is asked for: a set of some hundred numbers is sorted by thousands of comparisons. */
  #small: number | undefined | null = null;
  constructor(text: string) {
    this.text = text;
  }
  /** Most numbers: what is exact as a double. */
  get small(): number | undefined {
    if (this.#small === null) this.#small = smallIntegerOf(this.text);
    return this.#small;
  }
}

/** Items are sorted in Rego's order and unique: made by `regoSet` (order.ts). */
export class RegoSet {
  readonly items: readonly RegoValue[];
  constructor(sortedItems: readonly RegoValue[]) {
    this.items = sortedItems;
  }
}

export class RegoObject {
  readonly #entries: ReadonlyMap<string, readonly [RegoValue, RegoValue]>;
  constructor(entries: Iterable<readonly [RegoValue, RegoValue]>) {
    const map = new Map<string, readonly [RegoValue, RegoValue]>();
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
  entries(): Iterable<readonly [RegoValue, RegoValue]> {
    return this.#entries.values();
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
