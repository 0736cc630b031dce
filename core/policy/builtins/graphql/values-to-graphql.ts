/** Names, types, values and directives of our syntax trees as graphql's nodes. */
import {
  type ArgumentNode,
  type ConstArgumentNode,
  type ConstDirectiveNode,
  type ConstValueNode,
  type DirectiveNode,
  Kind,
  type NamedTypeNode,
  type NameNode,
  type TypeNode,
  type ValueNode,
} from "graphql";
import { BuiltinError } from "../../builtin.ts";
import { RegoNumber, type RegoObject } from "../../rego-value/value.ts";
import { VALUE_KIND } from "./query-parser.ts";
import { nodeOf, nodesOf, textOf } from "./shapes.ts";

export function nameNode(value: string): NameNode {
  return { kind: Kind.NAME, value };
}

export function named(name: string): NamedTypeNode {
  return { kind: Kind.NAMED_TYPE, name: nameNode(name) };
}

export function typeNode(type: RegoObject | undefined): TypeNode {
  if (type === undefined) throw new BuiltinError("a GraphQL tree lacks a type");
  const inner = nodeOf(type, "Elem");
  const bare =
    inner === undefined ? named(textOf(type, "NamedType")) : ({ kind: Kind.LIST_TYPE, type: typeNode(inner) } as const);
  return type.get("NonNull") === true ? { kind: Kind.NON_NULL_TYPE, type: bare } : bare;
}

export function directives(parent: RegoObject): DirectiveNode[] {
  return nodesOf(parent, "Directives").map((one) => ({
    kind: Kind.DIRECTIVE,
    name: nameNode(textOf(one, "Name")),
    arguments: argumentsOf(one),
  }));
}

export function argumentsOf(parent: RegoObject): ArgumentNode[] {
  return nodesOf(parent, "Arguments").map((one) => ({
    kind: Kind.ARGUMENT,
    name: nameNode(textOf(one, "Name")),
    value: valueNode(nodeOf(one, "Value")),
  }));
}

export function constantDirectives(parent: RegoObject): ConstDirectiveNode[] {
  return nodesOf(parent, "Directives").map((one) => ({
    kind: Kind.DIRECTIVE,
    name: nameNode(textOf(one, "Name")),
    arguments: nodesOf(one, "Arguments").map(
      (argument): ConstArgumentNode => ({
        kind: Kind.ARGUMENT,
        name: nameNode(textOf(argument, "Name")),
        value: constant(nodeOf(argument, "Value")),
      }),
    ),
  }));
}

function kindOf(value: RegoObject): number {
  const kind = value.get("Kind");
  return kind instanceof RegoNumber ? Number(kind.text) : -1;
}

function valueNode(value: RegoObject | undefined): ValueNode {
  if (value === undefined) throw new BuiltinError("a GraphQL tree lacks a value");
  const children = nodesOf(value, "Children");
  switch (kindOf(value)) {
    case VALUE_KIND.variable:
      return { kind: Kind.VARIABLE, name: nameNode(textOf(value, "Raw")) };
    case VALUE_KIND.list:
      return { kind: Kind.LIST, values: children.map((child) => valueNode(nodeOf(child, "Value"))) };
    case VALUE_KIND.object:
      return {
        kind: Kind.OBJECT,
        fields: children.map((child) => ({
          kind: Kind.OBJECT_FIELD,
          name: nameNode(textOf(child, "Name")),
          value: valueNode(nodeOf(child, "Value")),
        })),
      };
    default:
      return scalar(value);
  }
}

export function constant(value: RegoObject | undefined): ConstValueNode {
  if (value === undefined) throw new BuiltinError("a GraphQL tree lacks a value");
  const children = nodesOf(value, "Children");
  switch (kindOf(value)) {
    case VALUE_KIND.list:
      return { kind: Kind.LIST, values: children.map((child) => constant(nodeOf(child, "Value"))) };
    case VALUE_KIND.object:
      return {
        kind: Kind.OBJECT,
        fields: children.map((child) => ({
          kind: Kind.OBJECT_FIELD,
          name: nameNode(textOf(child, "Name")),
          value: constant(nodeOf(child, "Value")),
        })),
      };
    default:
      return scalar(value);
  }
}

function scalar(value: RegoObject): ConstValueNode {
  const raw = textOf(value, "Raw");
  switch (kindOf(value)) {
    case VALUE_KIND.int:
      // graphql keeps integers to 32 bits; OPA's library does not.
      return { kind: Kind.INT, value: Math.abs(Number(raw)) < 2 ** 31 ? raw : "0" };
    case VALUE_KIND.float:
      return { kind: Kind.FLOAT, value: raw };
    case VALUE_KIND.string:
      return { kind: Kind.STRING, value: raw };
    case VALUE_KIND.block:
      return { kind: Kind.STRING, value: raw, block: true };
    case VALUE_KIND.boolean:
      return { kind: Kind.BOOLEAN, value: raw === "true" };
    case VALUE_KIND.null:
      return { kind: Kind.NULL };
    case VALUE_KIND.enum:
      return { kind: Kind.ENUM, value: raw };
    default:
      throw new BuiltinError("a GraphQL value is of an unknown kind");
  }
}
