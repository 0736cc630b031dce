/**
 * A schema document as one schema: extensions merged into their types, names resolved, and the rules of OPA's library
 * checked, which are not quite those of graphql (no query type is needed; unused unions may be empty). The first fault
 * throws a `BuiltinError`.
 */
import { BuiltinError } from "../../builtin.ts";
import { isRegoArray, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { checkDirectives } from "./check-directives.ts";
import { checkImplements } from "./check-implements.ts";
import { prelude, REDECLARABLE } from "./prelude.ts";
import { node, nodeOf, nodesOf, textOf, textsOf } from "./shapes.ts";

export type CheckedSchema = {
  readonly types: ReadonlyMap<string, RegoObject>;
  /** Those of the prelude first. */
  readonly directives: ReadonlyMap<string, RegoObject>;
  /** Names of object types by `query`, `mutation`, `subscription`. */
  readonly roots: ReadonlyMap<string, string>;
};

export const BUILT_IN_TYPES: ReadonlySet<string> = new Set(
  ["Int", "Float", "String", "Boolean", "ID", "__Schema", "__Type", "__Field", "__InputValue"].concat([
    "__EnumValue",
    "__Directive",
    "__TypeKind",
    "__DirectiveLocation",
  ]),
);

export function checkSchema(document: RegoObject): CheckedSchema {
  const types = mergedTypes(document);
  const directives = new Map(nodesOf(prelude(), "Directives").map((one) => [textOf(one, "Name"), one]));
  for (const directive of nodesOf(document, "Directives")) {
    const name = textOf(directive, "Name");
    if (!directives.has(name)) directives.set(name, directive);
    else if (!REDECLARABLE.has(name)) throw new BuiltinError(`Cannot redeclare directive ${name}`);
  }
  const schema = { types, directives, roots: rootsOf(document, types) };
  for (const part of [...nodesOf(document, "Schema"), ...nodesOf(document, "SchemaExtension")]) {
    checkDirectives(schema, nodesOf(part, "Directives"), "SCHEMA");
  }
  for (const type of types.values()) checkType(schema, type);
  for (const [name, directive] of directives) {
    checkName(name);
    for (const argument of nodesOf(directive, "Arguments")) checkArgument(schema, argument, name);
  }
  return schema;
}

const LISTS = ["Directives", "Interfaces", "Fields", "Types", "EnumValues"];

function mergedTypes(document: RegoObject): ReadonlyMap<string, RegoObject> {
  const types = new Map<string, RegoObject>();
  for (const type of [...nodesOf(prelude(), "Definitions"), ...nodesOf(document, "Definitions")]) {
    const name = textOf(type, "Name");
    if (types.has(name)) throw new BuiltinError(`Cannot redeclare type ${name}`);
    types.set(name, type);
  }
  for (const extension of nodesOf(document, "Extensions")) {
    const [name, kind] = [textOf(extension, "Name"), textOf(extension, "Kind")];
    const base = types.get(name) ?? node("Definition", { Name: name, Kind: kind });
    if (textOf(base, "Kind") !== kind) throw new BuiltinError(`Cannot extend type ${name}: it is of another kind`);
    const lists = LISTS.map((key): [string, RegoValue] => [key, [...listOf(base, key), ...listOf(extension, key)]]);
    types.set(name, new RegoObject([...base.entries(), ...lists]));
  }
  return types;
}

function listOf(parent: RegoObject, key: string): readonly RegoValue[] {
  const value = parent.get(key);
  return isRegoArray(value) ? value : [];
}

/** Without a `schema` definition the types named Query, Mutation and Subscription are the roots. */
function rootsOf(document: RegoObject, types: ReadonlyMap<string, RegoObject>): ReadonlyMap<string, string> {
  const definitions = nodesOf(document, "Schema");
  if (definitions.length > 1) throw new BuiltinError("Cannot have multiple schema entry points");
  const roots = new Map<string, string>();
  for (const part of [...definitions, ...nodesOf(document, "SchemaExtension")]) {
    for (const entry of nodesOf(part, "OperationTypes")) {
      if (!types.has(textOf(entry, "Type"))) throw new BuiltinError("Schema root refers to a type that does not exist");
      roots.set(textOf(entry, "Operation"), textOf(entry, "Type"));
    }
  }
  if (definitions.length === 0) {
    for (const name of ["Query", "Mutation", "Subscription"]) {
      if (types.has(name) && !roots.has(name.toLowerCase())) roots.set(name.toLowerCase(), name);
    }
  }
  return roots;
}

const OUTPUT_KINDS = ["SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM"];
const INPUT_KINDS = ["SCALAR", "ENUM", "INPUT_OBJECT"];

function checkType(schema: CheckedSchema, type: RegoObject): void {
  const [name, kind] = [textOf(type, "Name"), textOf(type, "Kind")];
  const [fields, values, members] = [nodesOf(type, "Fields"), nodesOf(type, "EnumValues"), textsOf(type, "Types")];
  for (const field of fields) {
    checkName(textOf(field, "Name"));
    const fieldKind = textOf(typeNamed(schema, namedType(field)), "Kind");
    for (const argument of nodesOf(field, "Arguments")) checkArgument(schema, argument);
    const location = kind === "INPUT_OBJECT" ? "INPUT_FIELD_DEFINITION" : "FIELD_DEFINITION";
    checkDirectives(schema, nodesOf(field, "Directives"), location);
    const isFieldOfInput = kind === "INPUT_OBJECT";
    const allowed = isFieldOfInput
      ? INPUT_KINDS
      : kind === "OBJECT" || kind === "INTERFACE"
        ? OUTPUT_KINDS
        : [fieldKind];
    if (!allowed.includes(fieldKind)) throw new BuiltinError(`${name}: a field cannot be of kind ${fieldKind}`);
  }
  for (const member of members) {
    if (textOf(typeNamed(schema, member), "Kind") !== "OBJECT") throw new BuiltinError("a union is of object types");
  }
  for (const implemented of textsOf(type, "Interfaces")) checkImplements(schema, type, implemented);
  if (["OBJECT", "INTERFACE", "INPUT_OBJECT"].includes(kind) && fields.length === 0) {
    throw new BuiltinError(`${kind} ${name}: must define one or more fields`);
  }
  if (kind === "ENUM") checkEnum(schema, name, values);
  for (const names of [fields.map((one) => textOf(one, "Name")), values.map((one) => textOf(one, "Name")), members]) {
    if (new Set(names).size < names.length) throw new BuiltinError(`${name}: a member can only be defined once`);
  }
  if (!BUILT_IN_TYPES.has(name)) checkName(name);
  checkDirectives(schema, nodesOf(type, "Directives"), kind, { mayRepeat: true });
}

function checkEnum(schema: CheckedSchema, name: string, values: readonly RegoObject[]): void {
  if (values.length === 0) throw new BuiltinError(`ENUM ${name}: must define one or more unique enum values`);
  for (const value of values) {
    if (["true", "false", "null"].includes(textOf(value, "Name")))
      throw new BuiltinError(`ENUM ${name}: non-enum value`);
    checkDirectives(schema, nodesOf(value, "Directives"), "ENUM_VALUE");
  }
}

function checkArgument(schema: CheckedSchema, argument: RegoObject, ofDirective?: string): void {
  checkName(textOf(argument, "Name"));
  const kind = textOf(typeNamed(schema, namedType(argument)), "Kind");
  if (!INPUT_KINDS.includes(kind)) throw new BuiltinError(`cannot use ${kind} as an argument`);
  const own = ofDirective === undefined ? {} : { ofDirective };
  checkDirectives(schema, nodesOf(argument, "Directives"), "ARGUMENT_DEFINITION", own);
}

function typeNamed({ types }: CheckedSchema, name: string): RegoObject {
  const found = types.get(name);
  if (found === undefined) throw new BuiltinError(`Undefined type ${name}`);
  return found;
}

/** The name inside lists and non-nulls. */
function namedType(member: RegoObject): string {
  let type = nodeOf(member, "Type");
  for (let inner = type; inner !== undefined; inner = nodeOf(inner, "Elem")) type = inner;
  return type === undefined ? "" : textOf(type, "NamedType");
}

function checkName(name: string): void {
  if (name.startsWith("__")) throw new BuiltinError(`Name "${name}" must not begin with "__"`);
}
