/**
 * `json.verify_schema` and `json.match_schema`, with the faults in the words of OPA's library, which policies show and
 * match on. Document and schema are objects, arrays, or JSON as text. Written by hand, since validators of JavaScript
 * compile schemas to code and match patterns with `RegExp`.
 */
import { AppError } from "../../domain/app-error.ts";
import { type Builtin, BuiltinError, builtinTable } from "../builtin.ts";
import { parseValue, TooDeep } from "../rego-value/parse.ts";
import { isRegoArray, RegoObject, RegoSet, type RegoValue } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";
import { compileSchema } from "./json-schema/compile.ts";
import { validate } from "./json-schema/validate.ts";

function documentOf(value: RegoValue | undefined): RegoValue {
  if (typeof value === "string") return parse(value);
  if (!(value instanceof RegoObject) && !isRegoArray(value)) {
    throw new BuiltinError("wrong type, expected string or object");
  }
  return holdsSetOrKey(value) ? parse(writeJson(value)) : value;
}

/** Sets and keys that are no texts have to become JSON first. */
function holdsSetOrKey(value: RegoValue): boolean {
  if (value instanceof RegoSet) return true;
  if (isRegoArray(value)) return value.some(holdsSetOrKey);
  if (!(value instanceof RegoObject)) return false;
  for (const [key, item] of value.entries()) if (typeof key !== "string" || holdsSetOrKey(item)) return true;
  return false;
}

function parse(text: string): RegoValue {
  try {
    return parseValue(text, "json");
  } catch (error) {
    if (error instanceof AppError && !(error instanceof TooDeep)) throw new BuiltinError("invalid JSON string");
    throw error;
  }
}

const verify: Builtin = ([schema], call) => {
  try {
    compileSchema(documentOf(schema), call);
    return [true, null];
  } catch (error) {
    if (error instanceof BuiltinError) return [false, `jsonschema: ${error.message}`];
    throw error;
  }
};

/** In fuel: each is an object of the answer, in the order of its keys. */
const PER_FAULT = 8_000;

const match: Builtin = ([document, schema], call) => {
  const value = documentOf(document);
  const found = validate(compileSchema(documentOf(schema), call), value, call);
  call.pay(found.length * PER_FAULT);
  const faults = found.map(
    ({ type, field, description }) =>
      new RegoObject([
        ["error", `${field}: ${description}`],
        ["type", type],
        ["field", field],
        ["desc", description],
      ]),
  );
  return [faults.length === 0, faults];
};

export const JSON_SCHEMA = builtinTable([
  ["json.verify_schema", verify],
  ["json.match_schema", match],
]);
