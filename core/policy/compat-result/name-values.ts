/** Headers and query parameters of a result: names with texts, in the order of their names. */
import { sortedEntries } from "../rego-value/order.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";
import { goType, itemsOf, ResultFault, wrongType } from "./fault.ts";
import { keyText, type NameValue, safe } from "./sendable.ts";

/** An object of name → text or list of texts, or a list of such objects. */
export function nameValues(value: RegoValue | undefined, what: string): readonly NameValue[] {
  if (value === undefined) return [];
  const list = itemsOf(value) ?? [value];
  return list.flatMap((object) => {
    if (!(object instanceof RegoObject)) throw wrongType(what, "headers", "object", object);
    return sortedEntries(object).flatMap(([key, item]) => headerValues(keyText(key), item, what));
  });
}

function headerValues(name: string, value: RegoValue, what: string): readonly NameValue[] {
  const quoted = `'${name.toWellFormed()}'`;
  if (typeof value === "string") return [safe(name, value)];
  const items = itemsOf(value);
  if (items === undefined) throw new ResultFault(`failed to get ${what}: type assertion error for header ${quoted}`);
  return items.map((item) => {
    if (typeof item === "string") return safe(name, item);
    throw new ResultFault(`failed to get ${what}: invalid value type ${goType(item)} for header ${quoted}`);
  });
}

export function names(result: RegoObject, key: string, what: string): readonly string[] {
  const value = result.get(key);
  if (value === undefined) return [];
  const items = itemsOf(value);
  if (items === undefined) throw wrongType(what, key, "[]string", value);
  return items.map((item) => {
    if (typeof item === "string") return safe(item, "")[0];
    throw wrongType(what, `${key} value`, "string", item);
  });
}

export function queryToSet(value: RegoValue | undefined): readonly NameValue[] {
  const what = "failed to get request query parameters to set: type assertion error";
  if (value === undefined) return [];
  if (!(value instanceof RegoObject)) {
    throw new ResultFault(`${what}, expected query_parameters_to_set to be a map but got '${goType(value)}'`);
  }
  return sortedEntries(value).flatMap(([key, item]) => {
    if (typeof item === "string") return [safe(keyText(key), item)];
    const items = itemsOf(item);
    if (items === undefined)
      throw new ResultFault(`${what}, expected value to be string or array but got '${goType(item)}'`);
    return items.map((one) => {
      if (typeof one === "string") return safe(keyText(key), one);
      throw new ResultFault(`${what}: expected array element to be string but got '${goType(one)}'`);
    });
  });
}
