/**
 * The syntax tree that `graphql.*` shows to policies and takes back from them: the structs of Go's gqlparser, which OPA
 * uses, as a table. A node holds every text, flag and number of its struct, and of lists and nodes those that are not
 * empty; positions are left out. A tree that a policy hands in is read with the same table.
 */
import { BuiltinError, BuiltinLimit } from "../../builtin.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue, regoInteger } from "../../rego-value/value.ts";

/** `text`, `texts`, `flag`, `number`, the name of a struct, or `[name]` for a list of them. */
type Shape = Readonly<Record<string, string>>;

const COMMENTS = { BeforeDescriptionComment: "CommentGroup", AfterDescriptionComment: "CommentGroup" };
const MEMBER = { Description: "text", Name: "text", Directives: "[Directive]", ...COMMENTS };

const SHAPES = {
  QueryDocument: { Operations: "[OperationDefinition]", Fragments: "[FragmentDefinition]", Comment: "CommentGroup" },
  OperationDefinition: {
    Operation: "text",
    Name: "text",
    VariableDefinitions: "[VariableDefinition]",
    Directives: "[Directive]",
    SelectionSet: "[Field]",
    Comment: "CommentGroup",
  },
  FragmentDefinition: {
    Name: "text",
    VariableDefinition: "[VariableDefinition]",
    TypeCondition: "text",
    Directives: "[Directive]",
    SelectionSet: "[Field]",
    Comment: "CommentGroup",
  },
  VariableDefinition: {
    Variable: "text",
    Type: "Type",
    DefaultValue: "Value",
    Directives: "[Directive]",
    Comment: "CommentGroup",
    Used: "flag",
  },
  Field: {
    Alias: "text",
    Name: "text",
    Arguments: "[Argument]",
    Directives: "[Directive]",
    SelectionSet: "[Field]",
    Comment: "CommentGroup",
  },
  FragmentSpread: { Name: "text", Directives: "[Directive]", Comment: "CommentGroup" },
  InlineFragment: {
    TypeCondition: "text",
    Directives: "[Directive]",
    SelectionSet: "[Field]",
    Comment: "CommentGroup",
  },
  Argument: { Name: "text", Value: "Value", Comment: "CommentGroup" },
  Directive: { Name: "text", Arguments: "[Argument]", Location: "text" },
  Type: { NamedType: "text", Elem: "Type", NonNull: "flag" },
  Value: {
    Raw: "text",
    Children: "[ChildValue]",
    Kind: "number",
    Comment: "CommentGroup",
    ExpectedTypeHasDefault: "flag",
  },
  ChildValue: { Name: "text", Value: "Value", Comment: "CommentGroup" },
  CommentGroup: { List: "[Comment]" },
  Comment: { Value: "text" },
  SchemaDocument: {
    Schema: "[SchemaDefinition]",
    SchemaExtension: "[SchemaDefinition]",
    Directives: "[DirectiveDefinition]",
    Definitions: "[Definition]",
    Extensions: "[Definition]",
    Comment: "CommentGroup",
  },
  SchemaDefinition: {
    Description: "text",
    Directives: "[Directive]",
    OperationTypes: "[OperationTypeDefinition]",
    EndOfDefinitionComment: "CommentGroup",
    ...COMMENTS,
  },
  OperationTypeDefinition: { Operation: "text", Type: "text", Comment: "CommentGroup" },
  Definition: {
    ...MEMBER,
    Kind: "text",
    Interfaces: "texts",
    Fields: "[FieldDefinition]",
    Types: "texts",
    EnumValues: "[EnumValueDefinition]",
    BuiltIn: "flag",
    EndOfDefinitionComment: "CommentGroup",
  },
  FieldDefinition: { ...MEMBER, Arguments: "[ArgumentDefinition]", DefaultValue: "Value", Type: "Type" },
  ArgumentDefinition: { ...MEMBER, DefaultValue: "Value", Type: "Type" },
  EnumValueDefinition: MEMBER,
  DirectiveDefinition: {
    Description: "text",
    Name: "text",
    Arguments: "[ArgumentDefinition]",
    Locations: "texts",
    IsRepeatable: "flag",
    ...COMMENTS,
  },
} as const satisfies Readonly<Record<string, Shape>>;

type NodeName = keyof typeof SHAPES;
export type Parts = Readonly<Record<string, RegoValue | undefined>>;

const TABLE: ReadonlyMap<string, Shape> = new Map(Object.entries(SHAPES));
const MAX_DEPTH = 200;

/** A node with these parts; what is not given is zero, and what is empty is left out. */
export function node(name: NodeName, parts: Parts): RegoObject {
  const entries: [string, RegoValue][] = [];
  for (const [key, type] of Object.entries(SHAPES[name])) {
    const value = parts[key] ?? zeroOf(type);
    if (value !== undefined && !isEmpty(value)) entries.push([key, value]);
  }
  return new RegoObject(entries);
}

function zeroOf(type: string): RegoValue | undefined {
  return type === "text" ? "" : type === "flag" ? false : type === "number" ? regoInteger(0) : undefined;
}

function isEmpty(value: RegoValue): boolean {
  return (isRegoArray(value) && value.length === 0) || (value instanceof RegoObject && value.size === 0);
}

/** A tree from a policy. NB: as in OPA, whatever stands in a selection set is taken for a field. */
export function readNode(name: NodeName, value: RegoValue): RegoObject {
  return read(name, value, 0);
}

function read(name: string, value: RegoValue, depth: number): RegoObject {
  const shape = TABLE.get(name) ?? {};
  if (depth > MAX_DEPTH) throw new BuiltinLimit("the GraphQL tree is nested too deep");
  if (!(value instanceof RegoObject)) throw new BuiltinError("a node of a GraphQL tree is not an object");
  const entries: [string, RegoValue][] = [];
  for (const [key, type] of Object.entries(shape)) {
    const given = value.get(key) ?? null;
    const part = given === null ? zeroOf(type) : readPart(type, given, depth + 1);
    if (part !== undefined && !isEmpty(part)) entries.push([key, part]);
  }
  return new RegoObject(entries);
}

function readPart(type: string, given: RegoValue, depth: number): RegoValue {
  if (type === "text" && typeof given === "string") return given;
  if (type === "flag" && typeof given === "boolean") return given;
  if (type === "number" && given instanceof RegoNumber) return given;
  if (type === "texts" && isRegoArray(given) && given.every((item) => typeof item === "string")) return given;
  const item = /^\[(.+)\]$/.exec(type)?.[1];
  if (item !== undefined && isRegoArray(given)) return given.map((one) => read(item, one, depth));
  if (TABLE.has(type)) return read(type, given, depth);
  throw new BuiltinError("a part of a GraphQL tree has the wrong type");
}

export function textOf(parent: RegoObject, key: string): string {
  const value = parent.get(key);
  return typeof value === "string" ? value : "";
}

export function textsOf(parent: RegoObject, key: string): readonly string[] {
  const value = parent.get(key);
  return isRegoArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function nodeOf(parent: RegoObject, key: string): RegoObject | undefined {
  const value = parent.get(key);
  return value instanceof RegoObject ? value : undefined;
}

export function nodesOf(parent: RegoObject, key: string): readonly RegoObject[] {
  const value = parent.get(key);
  return isRegoArray(value) ? value.filter((item) => item instanceof RegoObject) : [];
}
