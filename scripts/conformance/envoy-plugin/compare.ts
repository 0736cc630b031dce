/**
 * What counts as the same: responses with lists that come from Rego objects sorted by key, the decision id only required
 * to be there, and the wording of `request_parse_error` free, as the format says; documents with exact number texts.
 */
import type { JsonValue } from "@bufbuild/protobuf";
import { parseValue } from "../../../core/policy/rego-value/parse.ts";
import { writeGoJson } from "../../../core/policy/rego-value/write.ts";

const SORTED = new Set(["headers", "responseHeadersToAdd", "queryParametersToSet"]);
const PARSE_ERROR = "request_parse_error";
const DECISION_ID = "<decision id>";

/** The same text for responses that are the same. */
export function responseText(response: JsonValue): string {
  return JSON.stringify(normal(response, ""));
}

function normal(value: JsonValue, key: string): JsonValue {
  if (typeof value === "string" && value.startsWith(PARSE_ERROR)) return PARSE_ERROR;
  if (key === "decision_id" && typeof value === "string" && value !== "") return DECISION_ID;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => normal(item, ""));
    return SORTED.has(key) ? items.toSorted((a, b) => compareText(nameOf(a), nameOf(b))) : items;
  }
  const sorted: { [name: string]: JsonValue } = Object.create(null);
  for (const [name, item] of Object.entries(value).toSorted(([a], [b]) => compareText(a, b))) {
    sorted[name] = normal(item, name);
  }
  return sorted;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Of a header option or a query parameter. */
function nameOf(item: JsonValue): string {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return "";
  const inner = item["header"] ?? item;
  const key = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner["key"] : "";
  return typeof key === "string" ? key : "";
}

/** The same text for documents that are the same: keys sorted, numbers as they are written. */
export function documentText(json: string): string {
  return writeGoJson(parseValue(json, "json"));
}
