/**
 * Our syntax trees as graphql's, without positions, so that its validation rules can be run over a query. Only what the
 * rules look at is carried over: descriptions and comments stay behind.
 */
import {
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
} from "graphql";
import { BuiltinError } from "../../builtin.ts";
import type { RegoObject } from "../../rego-value/value.ts";
import { BUILT_IN_TYPES, type CheckedSchema } from "./checked-schema.ts";
import { nodeOf, nodesOf, textOf, textsOf } from "./shapes.ts";
import {
  argumentsOf,
  constant,
  constantDirectives,
  directives,
  named,
  nameNode,
  typeNode,
} from "./values-to-graphql.ts";

export function queryDocument(document: RegoObject): DocumentNode {
  const operations = nodesOf(document, "Operations").map((one): DefinitionNode => {
    const name = textOf(one, "Name");
    return {
      kind: Kind.OPERATION_DEFINITION,
      operation: operationOf(textOf(one, "Operation")),
      name: name === "" ? undefined : nameNode(name),
      variableDefinitions: nodesOf(one, "VariableDefinitions").map(variable),
      directives: directives(one),
      selectionSet: selectionSet(one),
    };
  });
  const fragments = nodesOf(document, "Fragments").map(
    (one): DefinitionNode => ({
      kind: Kind.FRAGMENT_DEFINITION,
      name: nameNode(textOf(one, "Name")),
      typeCondition: named(textOf(one, "TypeCondition")),
      directives: directives(one),
      selectionSet: selectionSet(one),
    }),
  );
  return { kind: Kind.DOCUMENT, definitions: [...operations, ...fragments] };
}

/** Without what graphql has itself: its own scalars, introspection types and directives, but with `@defer`. */
export function schemaDocument({ types, directives: known, roots }: CheckedSchema): DocumentNode {
  const own = [...types.values()].filter((type) => !BUILT_IN_TYPES.has(textOf(type, "Name")));
  const schema: DefinitionNode = {
    kind: Kind.SCHEMA_DEFINITION,
    operationTypes: [...roots].map(([operation, type]) => ({
      kind: Kind.OPERATION_TYPE_DEFINITION,
      operation: operationOf(operation),
      type: named(type),
    })),
  };
  const definitions = [...known.values()].map(
    (one): DefinitionNode => ({
      kind: Kind.DIRECTIVE_DEFINITION,
      name: nameNode(textOf(one, "Name")),
      arguments: nodesOf(one, "Arguments").map(inputValue),
      repeatable: one.get("IsRepeatable") === true,
      locations: textsOf(one, "Locations").map(nameNode),
    }),
  );
  return { kind: Kind.DOCUMENT, definitions: [schema, ...definitions, ...own.map(typeDefinition)] };
}

function typeDefinition(type: RegoObject): DefinitionNode {
  const name = nameNode(textOf(type, "Name"));
  const fields = nodesOf(type, "Fields");
  const interfaces = textsOf(type, "Interfaces").map(named);
  switch (textOf(type, "Kind")) {
    case "SCALAR":
      return { kind: Kind.SCALAR_TYPE_DEFINITION, name };
    case "OBJECT":
      return { kind: Kind.OBJECT_TYPE_DEFINITION, name, interfaces, fields: fields.map(field) };
    case "INTERFACE":
      return { kind: Kind.INTERFACE_TYPE_DEFINITION, name, interfaces, fields: fields.map(field) };
    case "UNION":
      return { kind: Kind.UNION_TYPE_DEFINITION, name, types: textsOf(type, "Types").map(named) };
    case "ENUM": {
      const values = nodesOf(type, "EnumValues").map((one) => nameNode(textOf(one, "Name")));
      return {
        kind: Kind.ENUM_TYPE_DEFINITION,
        name,
        values: values.map((value) => ({ kind: Kind.ENUM_VALUE_DEFINITION, name: value })),
      };
    }
    case "INPUT_OBJECT":
      return {
        kind: Kind.INPUT_OBJECT_TYPE_DEFINITION,
        name,
        directives: constantDirectives(type),
        fields: fields.map(inputValue),
      };
    default:
      throw new BuiltinError("a GraphQL type is of an unknown kind");
  }
}

function field(one: RegoObject): FieldDefinitionNode {
  return {
    kind: Kind.FIELD_DEFINITION,
    name: nameNode(textOf(one, "Name")),
    arguments: nodesOf(one, "Arguments").map(inputValue),
    type: typeNode(nodeOf(one, "Type")),
  };
}

function inputValue(one: RegoObject): InputValueDefinitionNode {
  const fallback = nodeOf(one, "DefaultValue");
  return {
    kind: Kind.INPUT_VALUE_DEFINITION,
    name: nameNode(textOf(one, "Name")),
    type: typeNode(nodeOf(one, "Type")),
    defaultValue: fallback === undefined ? undefined : constant(fallback),
  };
}

function variable(one: RegoObject): VariableDefinitionNode {
  const fallback = nodeOf(one, "DefaultValue");
  return {
    kind: Kind.VARIABLE_DEFINITION,
    variable: { kind: Kind.VARIABLE, name: nameNode(textOf(one, "Variable")) },
    type: typeNode(nodeOf(one, "Type")),
    defaultValue: fallback === undefined ? undefined : constant(fallback),
    directives: constantDirectives(one),
  };
}

/** Members are told apart by what they hold: a field has an alias, an inline fragment a type condition. */
function selectionSet(parent: RegoObject): SelectionSetNode {
  const selections = nodesOf(parent, "SelectionSet").map((one): SelectionNode => {
    const name = nameNode(textOf(one, "Name"));
    if (one.has("Alias")) {
      const alias = textOf(one, "Alias");
      return {
        kind: Kind.FIELD,
        name,
        alias: alias === "" || alias === name.value ? undefined : nameNode(alias),
        arguments: argumentsOf(one),
        directives: directives(one),
        selectionSet: one.has("SelectionSet") ? selectionSet(one) : undefined,
      };
    }
    if (!one.has("TypeCondition")) return { kind: Kind.FRAGMENT_SPREAD, name, directives: directives(one) };
    const condition = textOf(one, "TypeCondition");
    return {
      kind: Kind.INLINE_FRAGMENT,
      typeCondition: condition === "" ? undefined : named(condition),
      directives: directives(one),
      selectionSet: selectionSet(one),
    };
  });
  return { kind: Kind.SELECTION_SET, selections };
}

function operationOf(name: string): OperationTypeNode {
  const found = Object.values(OperationTypeNode).find((one) => one === name);
  if (found === undefined) throw new BuiltinError("unknown GraphQL operation");
  return found;
}
