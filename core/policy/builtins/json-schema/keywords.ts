/** Reads single keywords of a JSON Schema with the complaints that OPA's library makes of them. */
import { BuiltinError } from "../../builtin.ts";
import { integerOf } from "../../rego-value/number.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../../rego-value/value.ts";

export function invalidType(expected: string, given: string): BuiltinError {
  return new BuiltinError(`Invalid type. Expected: ${expected}, given: ${given}`);
}

export function textKeyword(node: RegoObject, key: string): string | undefined {
  const value = node.get(key);
  if (value !== undefined && typeof value !== "string") throw invalidType("string", key);
  return value;
}

export function listKeyword(node: RegoObject, key: string): readonly RegoValue[] | undefined {
  const value = node.get(key);
  if (value === undefined || isRegoArray(value)) return value;
  throw new BuiltinError(`${key} must be of an array`);
}

export function numberKeyword(node: RegoObject, key: string): string | undefined {
  const value = node.get(key);
  if (value === undefined) return undefined;
  if (!(value instanceof RegoNumber)) throw new BuiltinError(`${key} must be of a Number`);
  return value.text;
}

/** Not negative. */
export function countKeyword(node: RegoObject, key: string): number | undefined {
  const value = node.get(key);
  if (value === undefined) return undefined;
  // Go reads its digits as they stand: 2.0 is an integer here, but no count.
  const isPlain = value instanceof RegoNumber && /^-?\d+$/.test(value.text);
  const count = isPlain ? integerOf(value.text) : undefined;
  if (count === undefined || count >= 2n ** 63n) throw new BuiltinError(`${key} must be of an integer`);
  if (count < 0n) throw new BuiltinError(`${key} must be greater than or equal to 0`);
  return Number(count);
}

const JSON_TYPES = ["array", "boolean", "integer", "number", "null", "object", "string"];

export function typesKeyword(node: RegoObject): string[] {
  const value = node.get("type");
  if (value === undefined) return [];
  const types: string[] = [];
  for (const type of isRegoArray(value) ? value : [value]) {
    if (typeof type !== "string") throw invalidType("type", "string/Array Of Strings");
    if (!JSON_TYPES.includes(type)) {
      const valid = JSON_TYPES.join(" ");
      throw new BuiltinError(
        `has a primitive type that is NOT VALID -- given: /${type}/ Expected valid values are:[${valid}]`,
      );
    }
    if (types.includes(type)) throw new BuiltinError(`${type} type is duplicated`);
    types.push(type);
  }
  return types;
}

export function requiredKeyword(node: RegoObject): string[] {
  const names = new Set<string>();
  for (const name of listKeyword(node, "required") ?? []) {
    if (typeof name !== "string") throw invalidType("string", "required");
    if (names.has(name)) throw new BuiltinError("required items must be unique");
    names.add(name);
  }
  return [...names];
}

export function uniqueItemsKeyword(node: RegoObject): boolean {
  const value = node.get("uniqueItems") ?? false;
  if (typeof value !== "boolean") throw new BuiltinError("uniqueItems must be of a boolean");
  return value;
}

export function isSchemaLike(value: RegoValue): boolean {
  return typeof value === "boolean" || value instanceof RegoObject;
}

/** The members of an object of JSON, whose keys are texts. */
export function membersOf(object: RegoObject): readonly (readonly [string, RegoValue])[] {
  return [...object.entries()].flatMap(([key, value]) => (typeof key === "string" ? [[key, value] as const] : []));
}
