/**
 * What a rule hands to a function that has `not` before something of that parameter: with `_foreign(country) if not country in _trusted`, the rule
 * that asks `_foreign(input.context.country)` ends before the `not`, as if that stood in the rule itself. Also where the function hands it on.
 */
import { field, list, negations, refText } from "./ast.ts";
import type { PlacedRule } from "./places.ts";
import { meaningOf, type Place, placeInside } from "./what-is-meant.ts";

type Handed = { readonly call: string; readonly operand: unknown };

/** `place`: inside the rule. */
export function handedToNegations(rule: unknown, place: Place, inside: readonly PlacedRule[] = []): readonly Handed[] {
  return callsIn(rule).flatMap(([operator, ...operands]) => {
    const meaning = meaningOf(operator, place);
    const functions = meaning.kind === "rules" ? meaning.rules.filter((one) => !inside.includes(one)) : [];
    return operands
      .filter((_, at) => functions.some((one) => negates(one, at, place, inside)))
      .map((operand) => ({ call: refText(field(operator, "value")), operand }));
  });
}

/** `at`: which parameter. */
function negates(one: PlacedRule, at: number, { rulesAt }: Place, inside: readonly PlacedRule[]): boolean {
  const names = variablesIn(list(field(field(one.rule, "head"), "args"))[at]);
  if (names.length === 0) return false;
  const handed = handedToNegations(one.rule, placeInside(one, rulesAt), [...inside, one]);
  return variablesIn([negations(one.rule), handed.map(({ operand }) => operand)]).some((name) => names.includes(name));
}

/** Operator and operands. */
function callsIn(node: unknown): readonly (readonly unknown[])[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => callsIn(item));
  if (typeof node !== "object" || node === null) return [];
  const terms = field(node, "type") === "call" ? field(node, "value") : field(node, "terms");
  return [...(Array.isArray(terms) ? [terms] : []), ...Object.values(node).flatMap((item: unknown) => callsIn(item))];
}

function variablesIn(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => variablesIn(item));
  if (typeof node !== "object" || node === null) return [];
  const [type, value] = [field(node, "type"), field(node, "value")];
  if (type === "var" && typeof value === "string") return [value];
  return Object.values(node).flatMap((item: unknown) => variablesIn(item));
}
