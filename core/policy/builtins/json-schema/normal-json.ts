/** JSON text that is the same for equal values: sorted keys, numbers as doubles. What `const` and `enum` compare. */
import { sortedEntries } from "../../rego-value/order.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../../rego-value/value.ts";
import { writeGoJson } from "../../rego-value/write.ts";

export function normalJson(value: RegoValue): string {
  return writeGoJson(withDoubles(value));
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
