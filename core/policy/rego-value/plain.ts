/**
 * A Rego value as plain JavaScript data, for schemas and translators: objects without prototype, sets as sorted lists,
 * numbers only where a double holds them exactly.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Json } from "../../domain/subject.ts";
import { canonicalNumberText } from "./number.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./value.ts";

/**
 * @throws AppError policy_fault on a number that a double would change, a key that is not a string, and text that is not
 * Unicode: two different byte strings would otherwise become the same text, and with it the same scope of a grant.
 */
export function plainOf(value: RegoValue): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return unicode(value);
  if (value instanceof RegoNumber) return exactNumber(value.text);
  if (isRegoArray(value)) return value.map(plainOf);
  if (value instanceof RegoSet) return value.items.map(plainOf);
  const plain: Record<string, Json> = Object.create(null);
  for (const [key, item] of value.entries()) {
    if (typeof key !== "string") throw new AppError("policy_fault", "an object key is not a string");
    plain[unicode(key)] = plainOf(item);
  }
  return plain;
}

function unicode(text: string): string {
  if (!text.isWellFormed()) throw new AppError("policy_fault", "a text is not Unicode");
  return text;
}

function exactNumber(text: string): number {
  const number = Number(text);
  const same = Number.isFinite(number) && canonicalNumberText(String(number)) === canonicalNumberText(text);
  if (!same) throw new AppError("policy_fault", "a number has more digits than can be kept");
  return number;
}

/** Plain data as a Rego value. Numbers are written as JavaScript writes them. */
export function regoOf(json: Json): RegoValue {
  if (json === null || typeof json === "boolean") return json;
  if (typeof json === "string") return json.toWellFormed();
  if (typeof json === "number") return new RegoNumber(Number.isFinite(json) ? JSON.stringify(json) : "0");
  if (isJsonList(json)) return json.map(regoOf);
  return new RegoObject(Object.entries(json).map(([key, item]) => [key.toWellFormed(), regoOf(item)]));
}

function isJsonList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
