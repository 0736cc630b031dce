/** Names and texts that can be sent on as they are: Unicode, and in headers and parameters without line breaks. */
import type { RegoValue } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";
import { ResultFault } from "./fault.ts";

export type NameValue = readonly [name: string, value: string];

export function safe(name: string, value: string): NameValue {
  if (/[\0\r\n]/.test(name + value)) throw new ResultFault("a header or parameter holds a line break", true);
  return [unicode(name), unicode(value)];
}

export function unicode(text: string): string {
  if (text.isWellFormed()) return text;
  throw new ResultFault("grpc: error while marshaling: string field contains invalid UTF-8", true);
}

/** Of a key that is no string: its JSON text. */
export function keyText(key: RegoValue): string {
  return typeof key === "string" ? key : writeJson(key);
}
