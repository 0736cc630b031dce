/** An invalid result: what is wrong with it in the plugin's own words, and the Go names of types in them. */
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "../rego-value/value.ts";

/** `echoes`: it may lie in what the request brought. */
export class ResultFault extends Error {
  readonly echoes: boolean;
  constructor(message: string, echoes = false) {
    super(message);
    this.echoes = echoes;
  }
}

export function wrongType(what: string, key: string, wanted: string, value: RegoValue): ResultFault {
  return new ResultFault(
    `failed to get ${what}: type assertion error, expected ${key} to be of type '${wanted}' but got '${goType(value)}'`,
  );
}

/** Of a list or a set. */
export function itemsOf(value: RegoValue): readonly RegoValue[] | undefined {
  if (isRegoArray(value)) return value;
  return value instanceof RegoSet ? value.items : undefined;
}

/** The name of the Go type that a value has in the plugin, for its messages. */
export function goType(value: RegoValue): string {
  if (value === null) return "<nil>";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  if (value instanceof RegoNumber) return "json.Number";
  return value instanceof RegoObject ? "map[string]interface {}" : "[]interface {}";
}
