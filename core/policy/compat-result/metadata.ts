/** `dynamic_metadata` as a protobuf Struct can hold it: texts are Unicode, numbers are doubles. */
import type { Json } from "../../domain/subject.ts";
import { sortedEntries } from "../rego-value/order.ts";
import { RegoNumber, RegoObject, type RegoValue } from "../rego-value/value.ts";
import { itemsOf, ResultFault, wrongType } from "./fault.ts";
import { keyText } from "./sendable.ts";

export type Metadata = { readonly [name: string]: Json };

export function metadataOf(value: RegoValue | undefined): Metadata {
  if (value === undefined) return {};
  if (!(value instanceof RegoObject)) {
    throw wrongType("dynamic metadata", "dynamic_metadata", "object", value);
  }
  return structOf(value);
}

/** NB: null-prototype objects; `__proto__` is a key like any other. */
function structOf(object: RegoObject): Metadata {
  const struct: Record<string, Json> = Object.create(null);
  for (const [key, item] of sortedEntries(object)) struct[metadataText(keyText(key))] = metadataValue(item);
  return struct;
}

function metadataValue(value: RegoValue): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return metadataText(value);
  if (value instanceof RegoNumber) return double(value.text);
  if (value instanceof RegoObject) return structOf(value);
  return (itemsOf(value) ?? []).map(metadataValue);
}

function metadataText(text: string): string {
  if (text.isWellFormed()) return text;
  throw new ResultFault("failed to get dynamic metadata: proto: invalid UTF-8 in string", true);
}

/** Rounded to a double, as `Struct` can hold no more. */
function double(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  const quoted = JSON.stringify(text);
  throw new ResultFault(
    `failed to get dynamic metadata: proto: invalid number format ${quoted}, expected a float64: strconv.ParseFloat: parsing ${quoted}: value out of range`,
  );
}
