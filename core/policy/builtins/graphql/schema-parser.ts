/** GraphQL type system documents. The tree is not validated here: check-schema.ts does that. */
import { DirectiveLocation, TokenKind } from "graphql";
import { BuiltinError } from "../../builtin.ts";
import type { RegoObject, RegoValue } from "../../rego-value/value.ts";
import { Cursor } from "./cursor.ts";
import { directives, operationType, typeReference, value } from "./query-parser.ts";
import { node, type Parts } from "./shapes.ts";

export function parseSchema(text: string): RegoObject {
  const cursor = new Cursor(text);
  const found = {
    Schema: list(),
    SchemaExtension: list(),
    Directives: list(),
    Definitions: list(),
    Extensions: list(),
  };
  while (!cursor.is(TokenKind.EOF)) {
    const description = describe(cursor);
    const comment = cursor.comment();
    const parts = { ...description, AfterDescriptionComment: comment };
    if (cursor.skip(TokenKind.NAME, "extend")) {
      if (description.Description !== "") throw new BuiltinError("an extension has no description");
      const own = { AfterDescriptionComment: comment };
      if (cursor.is(TokenKind.NAME, "schema")) found.SchemaExtension.push(schema(cursor, own, true));
      else found.Extensions.push(definition(cursor, own, true));
    } else if (cursor.is(TokenKind.NAME, "schema")) found.Schema.push(schema(cursor, parts));
    else if (cursor.skip(TokenKind.NAME, "directive")) found.Directives.push(directive(cursor, parts));
    else found.Definitions.push(definition(cursor, parts, false));
  }
  return node("SchemaDocument", { ...found, Comment: cursor.comment() });
}

function list(): RegoObject[] {
  return [];
}

function describe(cursor: Cursor): { readonly Description: string; readonly BeforeDescriptionComment?: RegoObject } {
  const { kind } = cursor.token;
  if (kind !== TokenKind.STRING && kind !== TokenKind.BLOCK_STRING) return { Description: "" };
  const comment = cursor.comment();
  const Description = cursor.take(kind);
  return comment === undefined ? { Description } : { Description, BeforeDescriptionComment: comment };
}

function schema(cursor: Cursor, parts: Parts, isExtension = false): RegoObject {
  cursor.take(TokenKind.NAME, "schema");
  const found = directives(cursor, true);
  const { items, comment } = cursor.list(TokenKind.BRACE_L, TokenKind.BRACE_R, () => {
    const Comment = cursor.comment();
    const Operation = operationType(cursor);
    cursor.take(TokenKind.COLON);
    return node("OperationTypeDefinition", { Comment, Operation, Type: cursor.name() });
  });
  if (isExtension && found.length + items.length === 0) throw new BuiltinError("an extension of a schema is empty");
  return node("SchemaDefinition", {
    ...parts,
    Directives: found,
    OperationTypes: items,
    EndOfDefinitionComment: comment,
  });
}

const LOCATIONS: ReadonlySet<string> = new Set(Object.values(DirectiveLocation));

function directive(cursor: Cursor, parts: Parts): RegoObject {
  cursor.take(TokenKind.AT);
  const Name = cursor.name();
  const Arguments = argumentDefinitions(cursor);
  const IsRepeatable = cursor.skip(TokenKind.NAME, "repeatable");
  cursor.take(TokenKind.NAME, "on");
  const locations = names(cursor, TokenKind.PIPE);
  if (!locations.every((location) => LOCATIONS.has(location))) throw new BuiltinError("unknown directive location");
  return node("DirectiveDefinition", { ...parts, Name, Arguments, IsRepeatable, Locations: locations });
}

/** With an optional separator in front. */
function names(cursor: Cursor, separator: TokenKind): readonly string[] {
  cursor.skip(separator);
  const found = [cursor.name()];
  while (cursor.skip(separator)) found.push(cursor.name());
  return found;
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ["scalar", "SCALAR"],
  ["type", "OBJECT"],
  ["interface", "INTERFACE"],
  ["union", "UNION"],
  ["enum", "ENUM"],
  ["input", "INPUT_OBJECT"],
]);

function definition(cursor: Cursor, parts: Parts, isExtension: boolean): RegoObject {
  const keyword = cursor.name();
  const Kind = KINDS.get(keyword);
  if (Kind === undefined) throw new BuiltinError(`unexpected ${keyword} in the GraphQL text`);
  const Name = cursor.name();
  const mayImplement = keyword === "type" || (keyword === "interface" && !isExtension);
  const implemented = mayImplement && cursor.skip(TokenKind.NAME, "implements") ? names(cursor, TokenKind.AMP) : [];
  const found = directives(cursor, true);
  const body = definitionBody(cursor, keyword);
  const { comment, ...members } = body;
  const lists: readonly (RegoValue | undefined)[] = [implemented, found, ...Object.values(members)];
  if (isExtension && lists.every((items) => Array.isArray(items) && items.length === 0)) {
    throw new BuiltinError("an extension of a type is empty");
  }
  return node("Definition", {
    ...parts,
    Kind,
    Name,
    Interfaces: implemented,
    Directives: found,
    ...members,
    EndOfDefinitionComment: comment,
  });
}

type Body = Readonly<Record<string, RegoValue>> & { readonly comment?: RegoObject };

function definitionBody(cursor: Cursor, keyword: string): Body {
  const braces = (key: string, item: () => RegoObject): Body => {
    const { items, comment } = cursor.list(TokenKind.BRACE_L, TokenKind.BRACE_R, item);
    return comment === undefined ? { [key]: items } : { [key]: items, comment };
  };
  switch (keyword) {
    case "type":
    case "interface":
      return braces("Fields", () => fieldDefinition(cursor));
    case "input":
      return braces("Fields", () => inputValue(cursor, "FieldDefinition"));
    case "enum":
      return braces("EnumValues", () => {
        const parts = memberParts(cursor);
        return node("EnumValueDefinition", { ...parts, Name: cursor.name(), Directives: directives(cursor, true) });
      });
    case "union":
      return { Types: cursor.skip(TokenKind.EQUALS) ? names(cursor, TokenKind.PIPE) : [] };
    default:
      return {};
  }
}

function memberParts(cursor: Cursor): Parts {
  const description = describe(cursor);
  const parts = description.Description === "" ? {} : description;
  return { ...parts, AfterDescriptionComment: cursor.comment() };
}

function fieldDefinition(cursor: Cursor): RegoObject {
  const parts = memberParts(cursor);
  const Name = cursor.name();
  const Arguments = argumentDefinitions(cursor);
  cursor.take(TokenKind.COLON);
  const Type = typeReference(cursor);
  return node("FieldDefinition", { ...parts, Name, Arguments, Type, Directives: directives(cursor, true) });
}

function argumentDefinitions(cursor: Cursor): readonly RegoObject[] {
  return cursor.list(TokenKind.PAREN_L, TokenKind.PAREN_R, () => inputValue(cursor, "ArgumentDefinition")).items;
}

function inputValue(cursor: Cursor, name: "ArgumentDefinition" | "FieldDefinition"): RegoObject {
  const parts = memberParts(cursor);
  const Name = cursor.name();
  cursor.take(TokenKind.COLON);
  const Type = typeReference(cursor);
  const DefaultValue = cursor.skip(TokenKind.EQUALS) ? value(cursor, true) : undefined;
  return node(name, { ...parts, Name, Type, DefaultValue, Directives: directives(cursor, true) });
}
