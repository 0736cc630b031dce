/**
 * The result of an opa-envoy-plugin policy → what is to be answered. A boolean says yes or no; an object must have a
 * boolean `allowed`, and every field that belongs to its branch must have its type, or the whole result is a fault whose
 * message is the plugin's. The order of the checks decides which fault is named: allowed, headers, dynamic_metadata, then
 * by branch. Unknown keys and fields of the other branch are ignored. Sets count as lists, keys that are no strings as
 * their JSON text.
 *
 * Stricter than the plugin: a header or query value with a line break, and text that is not UTF-8, are faults.
 */
import type { Json } from "../domain/subject.ts";
import { sortedEntries } from "./rego-value/order.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./rego-value/value.ts";
import { writeJson } from "./rego-value/write.ts";

export type NameValue = readonly [name: string, value: string];
type Metadata = { readonly [name: string]: Json };

/** `fields` is undefined for a plain boolean: then the answer has no HTTP part of its own. */
export type CompatResult =
  | { readonly kind: "allow"; readonly metadata: Metadata; readonly fields: AllowFields | undefined }
  | { readonly kind: "deny"; readonly metadata: Metadata; readonly fields: DenyFields | undefined }
  /** `echoes`: the fault may lie in what the request brought, so it must not open a door whatever is configured. */
  | {
      readonly kind: "fault";
      readonly reason:
        | "policy_error"
        | "policy_result_invalid"
        | "policy_budget_exceeded"
        | "policy_not_loaded"
        | "policy_expired";
      readonly message: string;
      readonly echoes: boolean;
    };

export type AllowFields = {
  readonly headers: readonly NameValue[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly NameValue[];
  readonly queryParametersToSet: readonly NameValue[];
  readonly queryParametersToRemove: readonly string[];
};

export type DenyFields = {
  readonly headers: readonly NameValue[];
  readonly body: string;
  readonly httpStatus: number;
};

export const NO_FIELDS: AllowFields = {
  headers: [],
  requestHeadersToRemove: [],
  responseHeadersToAdd: [],
  queryParametersToSet: [],
  queryParametersToRemove: [],
};

class Fault extends Error {
  readonly echoes: boolean;
  constructor(message: string, echoes = false) {
    super(message);
    this.echoes = echoes;
  }
}

/** Never throws. Without a value the policy was undefined, which is a fault and not a no. */
export function compatResult(value: RegoValue | undefined): CompatResult {
  if (value === undefined) return invalid("undefined decision", false);
  try {
    if (typeof value === "boolean") return { kind: value ? "allow" : "deny", metadata: {}, fields: undefined };
    return objectResult(value);
  } catch (error) {
    if (error instanceof Fault) return invalid(error.message, error.echoes);
    throw error;
  }
}

function invalid(message: string, echoes: boolean): CompatResult {
  return { kind: "fault", reason: "policy_result_invalid", message, echoes };
}

function objectResult(value: RegoValue): CompatResult {
  if (!(value instanceof RegoObject)) {
    throw new Fault(`failed to get response status: illegal value for policy evaluation result: ${goType(value)}`);
  }
  const allowed = value.get("allowed");
  if (allowed === undefined) {
    throw new Fault(
      'failed to get response status: unable to determine evaluation result due to missing "allowed" key',
    );
  }
  if (typeof allowed !== "boolean") throw wrongType("response status", "allowed", "boolean", allowed);
  const headers = nameValues(value.get("headers"), "response headers");
  const metadata = metadataOf(value.get("dynamic_metadata"));
  if (allowed) {
    const requestHeadersToRemove = names(value, "request_headers_to_remove", "request headers to remove");
    const added = value.get("response_headers_to_add");
    const responseHeadersToAdd = nameValues(added, "response headers to send to client");
    const queryParametersToRemove = names(value, "query_parameters_to_remove", "request query parameters to remove");
    const queryParametersToSet = queryToSet(value.get("query_parameters_to_set"));
    const fields = {
      headers,
      requestHeadersToRemove,
      responseHeadersToAdd,
      queryParametersToSet,
      queryParametersToRemove,
    };
    return { kind: "allow", metadata, fields };
  }
  const body = value.get("body");
  if (body !== undefined && typeof body !== "string") throw wrongType("response body", "body", "string", body);
  const httpStatus = statusOf(value.get("http_status"));
  return { kind: "deny", metadata, fields: { headers, body: unicode(body ?? ""), httpStatus } };
}

function wrongType(what: string, key: string, wanted: string, value: RegoValue): Fault {
  return new Fault(
    `failed to get ${what}: type assertion error, expected ${key} to be of type '${wanted}' but got '${goType(value)}'`,
  );
}

/** An object of name → text or list of texts, or a list of such objects. */
function nameValues(value: RegoValue | undefined, what: string): readonly NameValue[] {
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
  if (items === undefined) throw new Fault(`failed to get ${what}: type assertion error for header ${quoted}`);
  return items.map((item) => {
    if (typeof item === "string") return safe(name, item);
    throw new Fault(`failed to get ${what}: invalid value type ${goType(item)} for header ${quoted}`);
  });
}

function names(result: RegoObject, key: string, what: string): readonly string[] {
  const value = result.get(key);
  if (value === undefined) return [];
  const items = itemsOf(value);
  if (items === undefined) throw wrongType(what, key, "[]string", value);
  return items.map((item) => {
    if (typeof item === "string") return safe(item, "")[0];
    throw wrongType(what, `${key} value`, "string", item);
  });
}

function queryToSet(value: RegoValue | undefined): readonly NameValue[] {
  const what = "failed to get request query parameters to set: type assertion error";
  if (value === undefined) return [];
  if (!(value instanceof RegoObject)) {
    throw new Fault(`${what}, expected query_parameters_to_set to be a map but got '${goType(value)}'`);
  }
  return sortedEntries(value).flatMap(([key, item]) => {
    if (typeof item === "string") return [safe(keyText(key), item)];
    const items = itemsOf(item);
    if (items === undefined) throw new Fault(`${what}, expected value to be string or array but got '${goType(item)}'`);
    return items.map((one) => {
      if (typeof one === "string") return safe(keyText(key), one);
      throw new Fault(`${what}: expected array element to be string but got '${goType(one)}'`);
    });
  });
}

/** What Go's net/http and Envoy both know; 0 and whatever else is a fault. */
const STATUSES = new Set([
  100, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403,
  404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426, 428, 429, 431, 500,
  501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
]);
const MAX_INT64 = 2n ** 63n - 1n;

/** NB: the number has to be written as an integer: `403.0` is a fault, `806 / 2` is not. */
function statusOf(value: RegoValue | undefined): number {
  const what = "response http status";
  if (value === undefined) return 403;
  if (!(value instanceof RegoNumber)) throw wrongType(what, "http_status", "number", value);
  const { text } = value;
  const isInteger = /^-?\d+$/.test(text);
  const code = isInteger ? BigInt(text) : 0n;
  if (!isInteger || code > MAX_INT64 || code < -MAX_INT64 - 1n) {
    const why = isInteger ? "value out of range" : "invalid syntax";
    throw new Fault(
      `failed to get ${what}: error converting JSON number to int: strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`,
    );
  }
  if (!STATUSES.has(Number(code))) throw new Fault(`failed to get ${what}: invalid HTTP status code ${code}`);
  return Number(code);
}

function metadataOf(value: RegoValue | undefined): Metadata {
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
  throw new Fault("failed to get dynamic metadata: proto: invalid UTF-8 in string", true);
}

/** Rounded to a double, as `Struct` can hold no more. */
function double(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  const quoted = JSON.stringify(text);
  throw new Fault(
    `failed to get dynamic metadata: proto: invalid number format ${quoted}, expected a float64: strconv.ParseFloat: parsing ${quoted}: value out of range`,
  );
}

function safe(name: string, value: string): NameValue {
  if (/[\0\r\n]/.test(name + value)) throw new Fault("a header or parameter holds a line break", true);
  return [unicode(name), unicode(value)];
}

function unicode(text: string): string {
  if (text.isWellFormed()) return text;
  throw new Fault("grpc: error while marshaling: string field contains invalid UTF-8", true);
}

function itemsOf(value: RegoValue): readonly RegoValue[] | undefined {
  if (isRegoArray(value)) return value;
  return value instanceof RegoSet ? value.items : undefined;
}

function keyText(key: RegoValue): string {
  return typeof key === "string" ? key : writeJson(key);
}

/** The name of the Go type that a value has in the plugin, for its messages. */
function goType(value: RegoValue): string {
  if (value === null) return "<nil>";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  if (value instanceof RegoNumber) return "json.Number";
  return value instanceof RegoObject ? "map[string]interface {}" : "[]interface {}";
}
