/** What kind of rule or term a node of a syntax tree is. */
import { field, list } from "./ast.ts";
import { constantsOf } from "./places.ts";

/** `==` and `=`, as they are parsed: what stands directly beside them is looked up in place, behind `not` too. */
export const EQUALITY: ReadonlySet<string> = new Set(["equal", "eq"]);

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

/** Makes a set or an object, of which each rule says a part: it has a value, whatever is absent. */
export function isPartial(rule: unknown): boolean {
  const head = field(rule, "head");
  const ref = list(field(head, "ref"));
  return field(head, "key") !== undefined || constantsOf(ref).length < ref.length;
}

/** Has a value, whatever is absent; less may be in it then. */
export function isSet(rule: unknown): boolean {
  return isPartial(rule) || isComprehension(field(field(rule, "head"), "value"));
}

/** Without an `if`, or with one that says `true` alone. */
export function isUnconditional(rule: unknown): boolean {
  return list(field(rule, "body")).every((expression) => field(field(expression, "terms"), "value") === true);
}

export function isComprehension(node: unknown): boolean {
  const type = field(node, "type");
  return typeof type === "string" && type.endsWith("comprehension");
}
