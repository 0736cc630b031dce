/**
 * Compiles a JSON Schema. The first fault throws a `BuiltinError` with the text that OPA's library would give, since
 * `json.verify_schema` hands it to the policy. Patterns are RE2, never JavaScript's.
 */
import type { RE2JS } from "re2js";
import { type BuiltinCall, BuiltinError, BuiltinLimit } from "../../builtin.ts";
import { compareNumberText } from "../../rego-value/number.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { compile } from "../regex/compile.ts";
import {
  countKeyword,
  invalidType,
  isSchemaLike,
  listKeyword,
  membersOf,
  numberKeyword,
  requiredKeyword,
  textKeyword,
  typesKeyword,
  uniqueItemsKeyword,
} from "./keywords.ts";
import { normalJson } from "./normal-json.ts";
import { type References, referencesOf } from "./references.ts";
import { type Draft, draftOf, emptySchema, HYBRID, type Schema } from "./schema.ts";

const MAX_DEPTH = 200;
/** In fuel, of each schema in a schema: all keywords are looked for. */
const PER_SCHEMA = 8_000;

/** Pays for each schema in it, and for patterns, each once in an evaluation. */
export function compileSchema(document: RegoValue, call: BuiltinCall): Schema {
  return new Compiler(referencesOf(document), call).schema(document, draftOf(document), 0);
}

class Compiler {
  readonly #references: References;
  readonly #compiled = new Map<string, Schema>();
  readonly #call: BuiltinCall;

  constructor(references: References, call: BuiltinCall) {
    this.#references = references;
    this.#call = call;
  }

  schema(node: RegoValue, draft: Draft, depth: number): Schema {
    const schema = emptySchema();
    this.#fill(schema, node, draft, depth);
    return schema;
  }

  /** Into a schema that a reference inside of it may lead back to. */
  #fill(schema: Schema, node: RegoValue, draft: Draft, depth: number): void {
    if (depth > MAX_DEPTH) throw new BuiltinLimit("the schema is nested too deep");
    this.#call.pay(PER_SCHEMA);
    if (draft >= 6 && typeof node === "boolean") {
      schema.pass = node;
      return;
    }
    if (!(node instanceof RegoObject)) throw new BuiltinError("Expected: Valid Schema, given: Invalid JSON");
    const inner = (child: RegoValue): Schema => this.schema(child, draft, depth + 1);
    textKeyword(node, draft === 4 || (draft === HYBRID && node.has("id")) ? "id" : "$id");
    for (const definition of definitionsOf(node)) inner(definition);
    textKeyword(node, "title");
    textKeyword(node, "description");
    if (textKeyword(node, "$ref") !== undefined) {
      const known = this.#compiled.get(this.#references.absolute(node));
      schema.reference = known ?? this.#reference(node, draft, depth);
      // What stands beside a reference is ignored, yet OPA looks at its form from the second such reference on.
      if (known === undefined) return;
    }
    schema.types = typesKeyword(node);
    readMembers(schema, node, draft, { inner, call: this.#call });
    readItems(schema, node, inner);
    readNumberKeywords(schema, node, draft);
    readTextKeywords(schema, node, this.#call);
    readCounts(schema, node);
    const contains = node.get("contains");
    if (contains !== undefined && draft >= 6) schema.contains = inner(contains);
    readValueKeywords(schema, node, draft);
    schema.oneOf = (listKeyword(node, "oneOf") ?? []).map(inner);
    schema.anyOf = (listKeyword(node, "anyOf") ?? []).map(inner);
    schema.allOf = (listKeyword(node, "allOf") ?? []).map(inner);
    readConditions(schema, node, draft, inner);
  }

  #reference(node: RegoObject, draft: Draft, depth: number): Schema {
    const absolute = this.#references.absolute(node);
    const schema = emptySchema();
    this.#compiled.set(absolute, schema);
    const target = this.#references.find(absolute);
    if (!isSchemaLike(target)) throw new BuiltinError("Valid Schema must be of type object");
    this.#fill(schema, target, draft, depth + 1);
    return schema;
  }
}

type Inner = (child: RegoValue) => Schema;
type Means = { readonly inner: Inner; readonly call: BuiltinCall };

function definitionsOf(node: RegoObject): readonly RegoValue[] {
  const definitions = node.get("definitions");
  if (definitions === undefined) return [];
  const values = definitions instanceof RegoObject ? [...definitions.entries()].map(([, value]) => value) : undefined;
  if (values?.every(isSchemaLike) !== true) throw invalidType("Array Of Schemas", "definitions");
  return values;
}

function readMembers(schema: Schema, node: RegoObject, draft: Draft, { inner, call }: Means): void {
  const properties = node.get("properties") ?? new RegoObject([]);
  if (!(properties instanceof RegoObject)) throw new BuiltinError("Properties must be of type object");
  for (const [name, value] of membersOf(properties)) schema.properties.set(name, inner(value));
  schema.additionalProperties = booleanOrSchema(node, "additionalProperties", inner);
  const patterns = node.get("patternProperties") ?? new RegoObject([]);
  if (!(patterns instanceof RegoObject)) throw invalidType("Valid Schema", "patternProperties");
  for (const [pattern, value] of membersOf(patterns)) {
    const compiled = compilePattern(pattern, `Invalid regex pattern '${pattern}'`, call);
    schema.patternProperties.push({ pattern: compiled, schema: inner(value) });
  }
  const names = node.get("propertyNames");
  if (names !== undefined && draft >= 6) {
    if (!isSchemaLike(names)) throw invalidType("Valid Schema", "patternProperties");
    schema.propertyNames = inner(names);
  }
  readDependencies(schema, node, inner);
}

function readCounts(schema: Schema, node: RegoObject): void {
  schema.minProperties = countKeyword(node, "minProperties");
  schema.maxProperties = countKeyword(node, "maxProperties");
  inOrder(schema.minProperties, schema.maxProperties, "minProperties", "maxProperties");
  schema.required = requiredKeyword(node);
  schema.minItems = countKeyword(node, "minItems");
  schema.maxItems = countKeyword(node, "maxItems");
  schema.uniqueItems = uniqueItemsKeyword(node);
}

function readDependencies(schema: Schema, node: RegoObject, inner: Inner): void {
  const dependencies = node.get("dependencies") ?? new RegoObject([]);
  if (!(dependencies instanceof RegoObject)) throw new BuiltinError("dependencies must be of type object");
  for (const [name, value] of membersOf(dependencies)) {
    if (isSchemaLike(value)) schema.dependencies.set(name, inner(value));
    else if (isRegoArray(value) && value.every((item) => typeof item === "string")) {
      schema.dependencies.set(name, value);
    } else throw new BuiltinError("Dependency must be of type Schema Or Array Of Strings");
  }
}

function readItems(schema: Schema, node: RegoObject, inner: Inner): void {
  const items = node.get("items");
  const lists = isRegoArray(items) ? items : undefined;
  if (items !== undefined && !isSchemaLike(items) && lists?.every(isSchemaLike) !== true) {
    throw invalidType("Valid Schema/Array Of Schemas", "items");
  }
  if (items !== undefined) schema.items = lists === undefined ? inner(items) : lists.map(inner);
  schema.additionalItems = booleanOrSchema(node, "additionalItems", inner);
}

function booleanOrSchema(node: RegoObject, key: string, inner: Inner): boolean | Schema | undefined {
  const value = node.get(key);
  if (value === undefined || typeof value === "boolean") return value;
  if (!(value instanceof RegoObject)) throw invalidType("boolean/Valid Schema", key);
  return inner(value);
}

function readNumberKeywords(schema: Schema, node: RegoObject, draft: Draft): void {
  const multiple = node.get("multipleOf");
  if (multiple !== undefined) {
    if (!(multiple instanceof RegoNumber)) throw invalidType("Number", "multipleOf");
    if (compareNumberText(multiple.text, "0") <= 0)
      throw new BuiltinError("multipleOf must be strictly greater than 0");
    schema.multipleOf = multiple.text;
  }
  const [lowest, aboveLowest] = bound(node, draft, "minimum", "exclusiveMinimum");
  const [highest, belowHighest] = bound(node, draft, "maximum", "exclusiveMaximum");
  schema.minimum = lowest;
  schema.exclusiveMinimum = aboveLowest;
  schema.maximum = highest;
  schema.exclusiveMaximum = belowHighest;
}

type Bound = readonly [inclusive: string | undefined, exclusive: string | undefined];

/** In draft 4 the exclusive keyword is a boolean that turns the other one; later it is a number of its own. */
function bound(node: RegoObject, draft: Draft, key: string, exclusiveKey: string): Bound {
  const inclusive = numberKeyword(node, key);
  const exclusive = node.get(exclusiveKey);
  if (exclusive === undefined) return [inclusive, undefined];
  if (typeof exclusive === "boolean" && (draft === 4 || draft === HYBRID)) {
    if (inclusive === undefined) throw new BuiltinError(`${exclusiveKey} cannot be used without ${key}`);
    return exclusive ? [undefined, inclusive] : [inclusive, undefined];
  }
  if (exclusive instanceof RegoNumber && draft !== 4) return [inclusive, exclusive.text];
  throw invalidType(draft === 4 ? "boolean" : draft === HYBRID ? "boolean/number" : "number", exclusiveKey);
}

function readTextKeywords(schema: Schema, node: RegoObject, call: BuiltinCall): void {
  schema.minLength = countKeyword(node, "minLength");
  schema.maxLength = countKeyword(node, "maxLength");
  inOrder(schema.minLength, schema.maxLength, "minLength", "maxLength");
  schema.patternText = textKeyword(node, "pattern");
  if (schema.patternText !== undefined) {
    schema.pattern = compilePattern(schema.patternText, "pattern must be a valid regex", call);
  }
  schema.format = textKeyword(node, "format");
}

function inOrder(low: number | undefined, high: number | undefined, lowKey: string, highKey: string): void {
  if (low !== undefined && high !== undefined && low > high) {
    throw new BuiltinError(`${lowKey} cannot be greater than ${highKey}`);
  }
}

function readValueKeywords(schema: Schema, node: RegoObject, draft: Draft): void {
  const constant = node.get("const");
  if (constant !== undefined && draft >= 6) schema.constant = normalJson(constant);
  const values = listKeyword(node, "enum")?.map(normalJson);
  if (values === undefined) return;
  schema.enumeration = { values: new Set(values), text: values.join(", ") };
  if (schema.enumeration.values.size < values.length) throw new BuiltinError("enum items must be unique");
}

function readConditions(schema: Schema, node: RegoObject, draft: Draft, inner: Inner): void {
  for (const key of ["not", "if", "then", "else"] as const) {
    const value = node.get(key);
    if (value === undefined || (key !== "not" && draft < 7)) continue;
    if (!isSchemaLike(value)) throw new BuiltinError(`${key} must be of an object`);
    schema[key] = inner(value);
  }
}

function compilePattern(pattern: string, complaint: string, call: BuiltinCall): RE2JS {
  try {
    return compile(pattern, call);
  } catch (error) {
    if (error instanceof BuiltinError) throw new BuiltinError(complaint, { cause: error });
    throw error;
  }
}
