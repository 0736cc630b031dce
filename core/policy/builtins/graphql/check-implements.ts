/** Whether a type has all that an interface it names asks for. */
import { BuiltinError } from "../../builtin.ts";
import type { RegoObject } from "../../rego-value/value.ts";
import { nodeOf, nodesOf, textOf, textsOf } from "./shapes.ts";

type Types = { readonly types: ReadonlyMap<string, RegoObject> };

export function checkImplements(schema: Types, type: RegoObject, name: string): void {
  const wanted = schema.types.get(name);
  if (wanted === undefined) throw new BuiltinError(`Undefined type ${name}`);
  if (textOf(wanted, "Kind") !== "INTERFACE") throw new BuiltinError(`${name} is no interface`);
  const fields = nodesOf(type, "Fields");
  for (const required of nodesOf(wanted, "Fields")) {
    const field = fields.find((one) => textOf(one, "Name") === textOf(required, "Name"));
    if (field === undefined) throw new BuiltinError(`to implement ${name} a field is missing`);
    if (!isCovariant(schema, nodeOf(required, "Type"), nodeOf(field, "Type"))) {
      throw new BuiltinError(`to implement ${name} a field must have another type`);
    }
    checkArguments(name, nodesOf(required, "Arguments"), nodesOf(field, "Arguments"));
  }
  for (const inherited of textsOf(wanted, "Interfaces")) {
    if (!textsOf(type, "Interfaces").includes(inherited)) {
      throw new BuiltinError(`a type that implements ${name} must implement ${inherited}`);
    }
  }
}

function checkArguments(name: string, required: readonly RegoObject[], given: readonly RegoObject[]): void {
  for (const argument of required) {
    const found = given.find((one) => textOf(one, "Name") === textOf(argument, "Name"));
    if (found === undefined || !isCompatible(nodeOf(argument, "Type"), nodeOf(found, "Type"))) {
      throw new BuiltinError(`to implement ${name} a field must have the same arguments`);
    }
  }
  for (const extra of given) {
    const isKnown = required.some((one) => textOf(one, "Name") === textOf(extra, "Name"));
    if (!isKnown && nodeOf(extra, "Type")?.get("NonNull") === true && !extra.has("DefaultValue")) {
      throw new BuiltinError(`to implement ${name} additional arguments must be optional`);
    }
  }
}

function isCompatible(a: RegoObject | undefined, b: RegoObject | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (textOf(a, "NamedType") !== textOf(b, "NamedType")) return false;
  const inner = nodeOf(a, "Elem");
  if (inner !== undefined && !isCompatible(inner, nodeOf(b, "Elem"))) return false;
  return b.get("NonNull") !== true || a.get("NonNull") === true;
}

function isCovariant(schema: Types, required: RegoObject | undefined, actual: RegoObject | undefined): boolean {
  if (required === undefined || actual === undefined) return false;
  if (required.get("NonNull") === true && actual.get("NonNull") !== true) return false;
  const [wanted, given] = [textOf(required, "NamedType"), textOf(actual, "NamedType")];
  if (wanted === "") return isCovariant(schema, nodeOf(required, "Elem"), nodeOf(actual, "Elem"));
  return wanted === given || isPossible(schema, wanted, given);
}

function isPossible({ types }: Types, abstract: string, name: string): boolean {
  const [type, member] = [types.get(abstract), types.get(name)];
  if (type !== undefined && textOf(type, "Kind") === "UNION") return textsOf(type, "Types").includes(name);
  return member !== undefined && textsOf(member, "Interfaces").includes(abstract);
}
