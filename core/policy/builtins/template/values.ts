/** Values inside a running template: those of Rego, and the literals of the template itself, which are Go's own numbers. */
import { sortedEntries } from "../../rego-value/order.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../../rego-value/value.ts";
import { goFloat } from "../go-float.ts";

export const MISSING: unique symbol = Symbol("no value");
export type Value = RegoValue | bigint | number | typeof MISSING;

/** Go's truth: not empty. A number of Rego is a text to Go, and no number is an empty text. */
export function isTrue(value: Value): boolean {
  if (value === MISSING || value === null) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "bigint") return value !== 0n;
  if (typeof value === "number") return value !== 0;
  if (typeof value === "string") return value !== "";
  if (value instanceof RegoNumber) return true;
  if (value instanceof RegoObject) return value.size > 0;
  return (value instanceof RegoSet ? value.items : value).length > 0;
}

/** As Go prints it at the top. */
export function printed(value: Value): string {
  return value === MISSING || value === null ? "<no value>" : inner(value);
}

function inner(value: Exclude<Value, typeof MISSING>): string {
  if (value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "number") return goFloat(value, "g", undefined);
  if (typeof value !== "object") return String(value);
  if (value instanceof RegoNumber) return value.text;
  if (value instanceof RegoSet) return `[${value.items.map(inner).join(" ")}]`;
  if (isRegoArray(value)) return `[${value.map(inner).join(" ")}]`;
  return `map[${sortedEntries(value)
    .map(([key, item]) => `${inner(key)}:${inner(item)}`)
    .join(" ")}]`;
}
