/** Executable GraphQL documents, and the parts that schemas share with them: values, types, directives. */
import { TokenKind } from "graphql";
import { BuiltinError, BuiltinLimit } from "../../builtin.ts";
import { type RegoObject, type RegoValue, regoInteger } from "../../rego-value/value.ts";
import { Cursor } from "./cursor.ts";
import { node } from "./shapes.ts";

export const VALUE_KIND = {
  variable: 0,
  int: 1,
  float: 2,
  string: 3,
  block: 4,
  boolean: 5,
  null: 6,
  enum: 7,
  list: 8,
  object: 9,
} as const;

export function parseQuery(text: string): RegoObject {
  const cursor = new Cursor(text);
  const operations: RegoObject[] = [];
  const fragments: RegoObject[] = [];
  while (!cursor.is(TokenKind.EOF)) {
    if (cursor.is(TokenKind.NAME, "fragment")) fragments.push(fragment(cursor));
    else operations.push(operation(cursor));
  }
  return node("QueryDocument", { Operations: operations, Fragments: fragments });
}

const OPERATIONS = new Set(["query", "mutation", "subscription"]);

export function operationType(cursor: Cursor): string {
  const type = cursor.name();
  if (!OPERATIONS.has(type)) throw new BuiltinError(`unexpected ${type} in the GraphQL text`);
  return type;
}

function operation(cursor: Cursor): RegoObject {
  if (cursor.is(TokenKind.BRACE_L)) {
    return node("OperationDefinition", { Operation: "query", SelectionSet: selections(cursor) });
  }
  const Comment = cursor.comment();
  return node("OperationDefinition", {
    Comment,
    Operation: operationType(cursor),
    Name: cursor.is(TokenKind.NAME) ? cursor.name() : "",
    VariableDefinitions: variables(cursor),
    Directives: directives(cursor, false),
    SelectionSet: selections(cursor),
  });
}

function fragment(cursor: Cursor): RegoObject {
  const Comment = cursor.comment();
  cursor.take(TokenKind.NAME, "fragment");
  if (cursor.is(TokenKind.NAME, "on")) throw new BuiltinError("a fragment cannot be named on");
  const Name = cursor.name();
  const VariableDefinition = variables(cursor);
  cursor.take(TokenKind.NAME, "on");
  return node("FragmentDefinition", {
    Comment,
    Name,
    VariableDefinition,
    TypeCondition: cursor.name(),
    Directives: directives(cursor, false),
    SelectionSet: selections(cursor),
  });
}

function variables(cursor: Cursor): readonly RegoObject[] {
  return cursor.list(TokenKind.PAREN_L, TokenKind.PAREN_R, () => {
    const Comment = cursor.comment();
    cursor.take(TokenKind.DOLLAR);
    const Variable = cursor.name();
    cursor.take(TokenKind.COLON);
    return node("VariableDefinition", {
      Comment,
      Variable,
      Type: typeReference(cursor),
      DefaultValue: cursor.skip(TokenKind.EQUALS) ? value(cursor, true) : undefined,
      Directives: directives(cursor, false),
    });
  }).items;
}

function selections(cursor: Cursor): readonly RegoObject[] {
  if (!cursor.is(TokenKind.BRACE_L)) throw new BuiltinError("expected a selection set");
  return cursor.list(TokenKind.BRACE_L, TokenKind.BRACE_R, () =>
    cursor.is(TokenKind.SPREAD) ? spread(cursor) : field(cursor),
  ).items;
}

function field(cursor: Cursor): RegoObject {
  const Comment = cursor.comment();
  const Alias = cursor.name();
  return node("Field", {
    Comment,
    Alias,
    Name: cursor.skip(TokenKind.COLON) ? cursor.name() : Alias,
    Arguments: args(cursor, false),
    Directives: directives(cursor, false),
    SelectionSet: cursor.is(TokenKind.BRACE_L) ? selections(cursor) : [],
  });
}

function spread(cursor: Cursor): RegoObject {
  const Comment = cursor.comment();
  cursor.take(TokenKind.SPREAD);
  if (cursor.is(TokenKind.NAME) && !cursor.is(TokenKind.NAME, "on")) {
    return node("FragmentSpread", { Comment, Name: cursor.name(), Directives: directives(cursor, false) });
  }
  return node("InlineFragment", {
    Comment,
    TypeCondition: cursor.skip(TokenKind.NAME, "on") ? cursor.name() : "",
    Directives: directives(cursor, false),
    SelectionSet: selections(cursor),
  });
}

function args(cursor: Cursor, isConstant: boolean): readonly RegoObject[] {
  return cursor.list(TokenKind.PAREN_L, TokenKind.PAREN_R, () => {
    const Comment = cursor.comment();
    const Name = cursor.name();
    cursor.take(TokenKind.COLON);
    return node("Argument", { Comment, Name, Value: value(cursor, isConstant) });
  }).items;
}

export function directives(cursor: Cursor, isConstant: boolean): readonly RegoObject[] {
  const found: RegoObject[] = [];
  while (cursor.skip(TokenKind.AT)) {
    found.push(node("Directive", { Name: cursor.name(), Arguments: args(cursor, isConstant) }));
  }
  return found;
}

export function typeReference(cursor: Cursor, depth = 0): RegoObject {
  if (depth > 50) throw new BuiltinLimit("a GraphQL type is nested too deep");
  let parts: Readonly<Record<string, RegoValue>>;
  if (cursor.skip(TokenKind.BRACKET_L)) {
    parts = { Elem: typeReference(cursor, depth + 1) };
    cursor.take(TokenKind.BRACKET_R);
  } else parts = { NamedType: cursor.name() };
  return node("Type", { ...parts, NonNull: cursor.skip(TokenKind.BANG) });
}

export function value(cursor: Cursor, isConstant: boolean): RegoObject {
  const Comment = cursor.comment();
  const { kind } = cursor.token;
  if (kind === TokenKind.BRACKET_L) {
    const item = (): RegoObject => node("ChildValue", { Value: value(cursor, isConstant) });
    const { items } = cursor.list(TokenKind.BRACKET_L, TokenKind.BRACKET_R, item, true);
    return node("Value", { Comment, Children: items, Kind: regoInteger(VALUE_KIND.list) });
  }
  if (kind === TokenKind.BRACE_L) {
    const item = (): RegoObject => objectField(cursor, isConstant);
    const { items } = cursor.list(TokenKind.BRACE_L, TokenKind.BRACE_R, item, true);
    return node("Value", { Comment, Children: items, Kind: regoInteger(VALUE_KIND.object) });
  }
  if (kind === TokenKind.DOLLAR && !isConstant) {
    cursor.take(TokenKind.DOLLAR);
    return node("Value", { Raw: cursor.name(), Kind: regoInteger(VALUE_KIND.variable) });
  }
  const known = scalarKind(kind, cursor.token.value);
  return node("Value", { Raw: cursor.take(kind), Kind: regoInteger(known) });
}

function objectField(cursor: Cursor, isConstant: boolean): RegoObject {
  const Comment = cursor.comment();
  const Name = cursor.name();
  cursor.take(TokenKind.COLON);
  return node("ChildValue", { Comment, Name, Value: value(cursor, isConstant) });
}

function scalarKind(kind: TokenKind, text: string): number {
  switch (kind) {
    case TokenKind.INT:
      return VALUE_KIND.int;
    case TokenKind.FLOAT:
      return VALUE_KIND.float;
    case TokenKind.STRING:
      return VALUE_KIND.string;
    case TokenKind.BLOCK_STRING:
      return VALUE_KIND.block;
    case TokenKind.NAME:
      return text === "true" || text === "false"
        ? VALUE_KIND.boolean
        : text === "null"
          ? VALUE_KIND.null
          : VALUE_KIND.enum;
    default:
      throw new BuiltinError(`unexpected ${kind} in the GraphQL text`);
  }
}
