/** JSON text that is the same for equal values: sorted keys, numbers as doubles. What `const` and `enum` compare. */
import type { Pay } from "../../builtin.ts";
import { sortedEntries } from "../../rego-value/order.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../../rego-value/value.ts";
import { writeGoJson } from "../../rego-value/write.ts";

export function normalJson(value: RegoValue): string {
  return writeGoJson(withDoubles(value));
}

/** In fuel, of a character of such a text: the value is laid out anew and written. */
const PER_CHARACTER = 250;

/** The texts of the values of one document: each is made and paid once, by however many schemas it is asked for. */
export class NormalTexts {
  readonly #texts = new Map<RegoValue, string>();
  readonly #pay: Pay;

  constructor(pay: Pay) {
    this.#pay = pay;
  }

  of(value: RegoValue): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = normalJson(value);
    this.#pay(text.length * PER_CHARACTER);
    this.#texts.set(value, text);
    return text;
  }
}

function withDoubles(value: RegoValue): RegoValue {
  if (value instanceof RegoNumber) {
    const number = Number(value.text);
    return new RegoNumber(Number.isFinite(number) ? JSON.stringify(number) : value.text);
  }
  if (value instanceof RegoSet) return value.items.map(withDoubles);
  if (isRegoArray(value)) return value.map(withDoubles);
  if (!(value instanceof RegoObject)) return value;
  return new RegoObject(sortedEntries(value).map(([key, item]) => [key, withDoubles(item)]));
}
