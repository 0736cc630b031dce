/** What kind of rule or term a node of a syntax tree is. */
import { field, list } from "./ast.ts";
import { constantsOf } from "./places.ts";

export function withElse(rule: unknown): readonly unknown[] {
  const next = field(rule, "else");
  return next === undefined ? [rule] : [rule, ...withElse(next)];
}

export function keyAndValue(rule: unknown): readonly unknown[] {
  const head = field(rule, "head");
  return [field(head, "key"), field(head, "value")];
}

export function isDefault(rule: unknown): boolean {
  return field(rule, "default") === true;
}

export function saysFalse(rule: unknown): boolean {
  return field(field(field(rule, "head"), "value"), "value") === false;
}

/** Has a value, whatever is absent; less may be in it then. */
export function isSet(rule: unknown): boolean {
  const head = field(rule, "head");
  const ref = list(field(head, "ref"));
  return (
    field(head, "key") !== undefined || constantsOf(ref).length < ref.length || isComprehension(field(head, "value"))
  );
}

export function isComprehension(node: unknown): boolean {
  const type = field(node, "type");
  return typeof type === "string" && type.endsWith("comprehension");
}
