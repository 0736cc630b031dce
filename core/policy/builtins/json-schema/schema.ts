/**
 * A JSON Schema, compiled: what the validator looks at, with references resolved. Drafts 4, 6 and 7, and the mixture of
 * them ("hybrid") that OPA takes a schema for that does not name one.
 */
import type { RE2JS } from "re2js";
import { BuiltinError } from "../../builtin.ts";
import { RegoObject, type RegoValue } from "../../rego-value/value.ts";

export const HYBRID = 99;
export type Draft = 4 | 6 | 7 | typeof HYBRID;

export type Schema = {
  /** A schema that is just `true` or `false`. */
  pass?: boolean | undefined;
  /** Everything beside a reference is ignored. */
  reference?: Schema | undefined;
  types: string[];
  properties: Map<string, Schema>;
  patternProperties: { readonly pattern: RE2JS; readonly schema: Schema }[];
  additionalProperties?: boolean | Schema | undefined;
  propertyNames?: Schema | undefined;
  dependencies: Map<string, readonly string[] | Schema>;
  items?: Schema | readonly Schema[] | undefined;
  additionalItems?: boolean | Schema | undefined;
  contains?: Schema | undefined;
  /** Numbers as text. */
  multipleOf?: string | undefined;
  minimum?: string | undefined;
  exclusiveMinimum?: string | undefined;
  maximum?: string | undefined;
  exclusiveMaximum?: string | undefined;
  minLength?: number | undefined;
  maxLength?: number | undefined;
  pattern?: RE2JS | undefined;
  patternText?: string | undefined;
  format?: string | undefined;
  minProperties?: number | undefined;
  maxProperties?: number | undefined;
  required: string[];
  minItems?: number | undefined;
  maxItems?: number | undefined;
  uniqueItems: boolean;
  /** As normal JSON text (normal-json.ts). */
  constant?: string | undefined;
  enumeration?: Enumeration | undefined;
  oneOf: Schema[];
  anyOf: Schema[];
  allOf: Schema[];
  not?: Schema | undefined;
  if?: Schema | undefined;
  then?: Schema | undefined;
  else?: Schema | undefined;
};

/** `text` is put together once: a fault has all of it, and there may be one for each item of a list. */
type Enumeration = { readonly values: ReadonlySet<string>; readonly text: string };

export function emptySchema(): Schema {
  return {
    types: [],
    properties: new Map(),
    patternProperties: [],
    dependencies: new Map(),
    required: [],
    uniqueItems: false,
    oneOf: [],
    anyOf: [],
    allOf: [],
  };
}

const DRAFTS: ReadonlyMap<string, Draft> = new Map([
  ["http://json-schema.org/draft-04/schema", 4],
  ["http://json-schema.org/draft-06/schema", 6],
  ["http://json-schema.org/draft-07/schema", 7],
]);

/** What a schema says that it is written in. @throws BuiltinError */
export function draftOf(document: RegoValue): Draft {
  if (typeof document === "boolean") return HYBRID;
  if (!(document instanceof RegoObject)) throw new BuiltinError("schema is invalid");
  const url = document.get("$schema");
  if (url !== undefined && typeof url !== "string") throw new BuiltinError("$schema must be of type string");
  return (url === undefined ? undefined : DRAFTS.get(url.replace(/#$/, ""))) ?? HYBRID;
}
