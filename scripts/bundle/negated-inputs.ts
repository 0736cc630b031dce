/**
 * Finds `not` before a call that looks up something that may be absent. OPA takes such operands out of the expression and
 * evaluates them first: where `input.context.country` is absent, `not input.context.country in _trusted` does not hold, and
 * neither does anything else of the rule. Only `==` and `=` look up what stands directly beside them in place. A variable is
 * evaluated before, too, whatever stands beside it: after `country := input.context.country` the rule has ended; and so is what a
 * function is given that has the `not` (negated-parameters.ts). What may be
 * absent is what the schema of the input does not require; of the same package a rule that has neither a default nor a constant
 * value; and, by a longer name, a rule or function that looks up what may be absent in each of its bodies and has no default.
 */
import { absentUpTo, inputName, inputOf } from "./absent-inputs.ts";
import { field, list, negations, refText } from "./ast.ts";
import { handedToNegations } from "./negated-parameters.ts";
import { constantsOf, type PlacedRule, type RulesAt } from "./places.ts";
import { extended, isName, meaningOf, type Place, placeInside, without } from "./what-is-meant.ts";

export type NegatedInput = {
  /** Whatever a variable or an import calls it: `input.context.country`, `_country`. */
  readonly name: string;
  /** The function or operator, or the name that stands behind `not`: `internal.member_2` is `in`. */
  readonly call: string;
};

type Known = {
  readonly place: Place;
  readonly schema: unknown;
  /** Rules that are looked into: a text that is not compiled yet may go round in circles. */
  readonly inside: readonly PlacedRule[];
};

/** In order, each once. */
export function negatedInputs(rule: PlacedRule, rulesAt: RulesAt): readonly NegatedInput[] {
  const known = knownIn(rule, rulesAt, []);
  const found = new Map<string, NegatedInput>();
  for (const terms of negations(rule.rule)) {
    const [operator, ...operands] = Array.isArray(terms) ? list(terms) : [undefined, terms];
    const written = operator === undefined ? constantsOf(headOf(terms)).join(".") : refText(field(operator, "value"));
    const look = operator === undefined || EQUALITY.has(written) ? lookedUpBefore : lookedUp;
    for (const name of operands.flatMap((operand) => look(operand, known))) {
      if (!found.has(name)) found.set(name, { name, call: OPERATORS.get(written) ?? written });
    }
  }
  for (const { call, operand } of handedToNegations(rule.rule, known.place)) {
    for (const name of lookedUp(operand, known)) if (!found.has(name)) found.set(name, { name, call });
  }
  return [...found.values()];
}

function knownIn(rule: PlacedRule, rulesAt: RulesAt, inside: readonly PlacedRule[]): Known {
  return { place: placeInside(rule, rulesAt), schema: inputOf(rule.place), inside: [...inside, rule] };
}

const EQUALITY = new Set(["equal", "eq"]);

const OPERATORS: ReadonlyMap<string, string> = new Map([
  ...([
    ["equal", "=="],
    ["eq", "="],
    ["neq", "!="],
    ["lt", "<"],
    ["lte", "<="],
    ["gt", ">"],
    ["gte", ">="],
  ] as const),
  ...([
    ["internal.member_2", "in"],
    ["internal.member_3", "in"],
  ] as const),
]);

function headOf(term: unknown): readonly unknown[] {
  return field(term, "type") === "ref" ? list(field(term, "value")).slice(0, 1) : [term];
}

/** Of what is evaluated in place, directly behind `not` or beside `==`: what its variable was given, and what stands in its brackets. */
function lookedUpBefore(term: unknown, known: Known): readonly string[] {
  if (!isName(term)) return lookedUp(term, known);
  const meaning = meaningOf(term, known.place);
  const given =
    meaning.kind === "variable" ? meaning.values.flatMap((value) => lookedUp(value, past(term, known))) : [];
  return [...given, ...meaning.parts.flatMap((part) => lookedUp(part, known))];
}

function past(term: unknown, known: Known): Known {
  return { ...known, place: without(known.place, term) };
}

/** What an operand looks up and might not find. A comprehension finds nothing at worst, which is a value. */
function lookedUp(term: unknown, known: Known): readonly string[] {
  const [type, value] = [field(term, "type"), field(term, "value")];
  switch (type) {
    case "arraycomprehension":
    case "objectcomprehension":
    case "setcomprehension":
      return [];
    case "var":
      return lookedUpByName(term, known);
    case "ref": {
      const [head, ...brackets] = list(value);
      const inside = field(head, "type") === "var" ? brackets : [head, ...brackets];
      return [...lookedUpByName(term, known), ...inside.flatMap((part) => lookedUp(part, known))];
    }
    case "call": {
      const [operator, ...operands] = list(value);
      return [...lookedUpByName(operator, known), ...operands.flatMap((operand) => lookedUp(operand, known))];
    }
    default:
      return list(value)
        .flatMap((item) => (Array.isArray(item) ? item : [item]))
        .flatMap((item: unknown) => lookedUp(item, known));
  }
}

function lookedUpByName(term: unknown, known: Known): readonly string[] {
  const meaning = meaningOf(term, known.place);
  if (meaning.kind === "input") return absentUpTo(meaning.parts, known.schema) > 0 ? [inputName(meaning.parts)] : [];
  if (meaning.kind === "variable")
    return meaning.values.flatMap((value) => lookedUp(extended(value, meaning.parts), past(term, known)));
  const isOwn = field(term, "type") === "var" && !known.place.scope.imports.has(String(field(term, "value")));
  const isAbsent = isOwn ? mayBeUndefined(meaning.rules, known) : needsAbsent(meaning.rules, known);
  return isAbsent ? [constantsOf(field(term, "type") === "ref" ? field(term, "value") : [term]).join(".")] : [];
}

/** Of a name that is a rule of the package: sets, objects and defaults always have a value, and so have constants. */
function mayBeUndefined(rules: readonly PlacedRule[], known: Known): boolean {
  return rules.length > 0 && !rules.some(({ rule }) => alwaysHasValue(rule, known));
}

function alwaysHasValue(rule: unknown, known: Known): boolean {
  if (isDefaultOrSet(rule)) return true;
  const body = list(field(rule, "body"));
  const isUnconditional = body.every((expression) => field(field(expression, "terms"), "value") === true);
  return isUnconditional && isConstant(field(field(rule, "head"), "value"), known);
}

function isDefaultOrSet(rule: unknown): boolean {
  const head = field(rule, "head");
  const ref = list(field(head, "ref"));
  return field(rule, "default") === true || field(head, "key") !== undefined || constantsOf(ref).length < ref.length;
}

/** Whether a rule or function has no value where all is absent that may be: each of its bodies looks up something of that. */
function needsAbsent(rules: readonly PlacedRule[], known: Known): boolean {
  const entered = rules.filter((rule) => !known.inside.includes(rule));
  return (
    entered.length > 0 &&
    !entered.some(({ rule }) => isDefaultOrSet(rule)) &&
    entered.every((rule) => {
      const own = knownIn(rule, known.place.rulesAt, known.inside);
      return bodiesOf(rule.rule).every((terms) => terms.some((term) => lookedUp(term, own).length > 0));
    })
  );
}

/** Of a rule and its `else`s: what is evaluated for each, but for what stands behind `not`. */
function bodiesOf(rule: unknown): readonly (readonly unknown[])[] {
  const expressions = list(field(rule, "body")).filter((expression) => field(expression, "negated") !== true);
  const terms = expressions.flatMap((expression) => {
    const own = field(expression, "terms");
    if (Array.isArray(own)) return [{ type: "call", value: own }];
    const nested = [...list(field(own, "symbols")), field(own, "domain")].filter((term) => term !== undefined);
    return nested.length > 0 ? nested : [own];
  });
  const next = field(rule, "else");
  return [[...terms, field(field(rule, "head"), "value")], ...(next === undefined ? [] : bodiesOf(next))];
}

function isConstant(term: unknown, known: Known): boolean {
  const [type, value] = [field(term, "type"), field(term, "value")];
  if (typeof type === "string" && type.endsWith("comprehension")) return true;
  if (type === "call" || type === "var" || type === "ref") return isSafeCall(term, known);
  return list(value)
    .flatMap((item) => (Array.isArray(item) ? item : [item]))
    .every((item: unknown) => isConstant(item, known));
}

/** `object.get` answers with its default whatever is absent below what it is given. */
function isSafeCall(term: unknown, known: Known): boolean {
  const [operator, from, ...rest] = list(field(term, "value"));
  const isGet = field(term, "type") === "call" && refText(field(operator, "value")) === "object.get";
  const meaning = meaningOf(from, known.place);
  return (
    isGet &&
    meaning.kind === "input" &&
    absentUpTo(meaning.parts, known.schema) === 0 &&
    rest.every((item) => isConstant(item, known))
  );
}
