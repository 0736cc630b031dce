/**
 * What a rule hands to a function that has `not` before something of that parameter: with `_foreign(country) if not country in _trusted`, the rule
 * that asks `_foreign(input.context.country)` ends before the `not`, as if that stood in the rule itself. Also where the function hands it on.
 */
import { callsIn, field, list, negations, refText } from "./ast.ts";
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
  const parameters = variablesIn(list(field(field(one.rule, "head"), "args"))[at]);
  if (parameters.length === 0) return false;
  const within = placeInside(one, rulesAt);
  const names = madeOf(parameters, within);
  const handed = handedToNegations(one.rule, within, [...inside, one]);
  return variablesIn([negations(one.rule), handed.map(({ operand }) => operand)]).some((name) => names.has(name));
}

/** With the variables that are given a value in which one of them is: `code := upper(country)`. */
function madeOf(parameters: readonly string[], { variables }: Place): ReadonlySet<string> {
  const names = new Set(parameters);
  let before = 0;
  while (names.size > before) {
    before = names.size;
    for (const [name, values] of variables) if (variablesIn(values).some((one) => names.has(one))) names.add(name);
  }
  return names;
}

function variablesIn(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => variablesIn(item));
  if (typeof node !== "object" || node === null) return [];
  const [type, value] = [field(node, "type"), field(node, "value")];
  if (type === "var" && typeof value === "string") return [value];
  return Object.values(node).flatMap((item: unknown) => variablesIn(item));
}
