/**
 * Finds `not` before a call that looks up something that may be absent. OPA takes such operands out of the expression and
 * evaluates them first: where `input.context.country` is absent, `not input.context.country in _trusted` does not hold, and
 * neither does anything else of the rule. Only `==` and `=` look up what stands directly beside them in place. A variable is
 * evaluated before, too, whatever stands beside it: after `country := input.context.country` the rule has ended; and so is what a
 * function is given that has the `not` (negated-parameters.ts). A function that is given what is always there, such as `input.context`, and has
 * `not` before a part of it, is judged for each rule that asks it. What may be
 * absent is what the schema of the input does not require; of the same package a rule that has neither a default nor a constant
 * value; and, by a longer name, a rule or function that looks up what may be absent in each of its bodies and has no default.
 */
import { absentUpTo, inputName, inputOf, passes } from "./absent-inputs.ts";
import { callsIn, field, list, negations, refText } from "./ast.ts";
import { handedToNegations } from "./negated-parameters.ts";
import { constantsOf, type PlacedRule, type RulesAt } from "./places.ts";
import { EQUALITY, isComprehension, isDefault, isPartial, isUnconditional } from "./rule-forms.ts";
import {
  extended,
  type Given,
  givenBy,
  headOf,
  isName,
  meaningOf,
  type Place,
  placeInside,
  without,
} from "./what-is-meant.ts";

export type NegatedInput = {
  /** `not` before it; or it is handed to a function that has that; or a function is asked that has `not` before something of what it is handed. */
  readonly kind: "negated" | "handed" | "asked";
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
  return negatedIn(rule, knownIn(rule, rulesAt, []));
}

function negatedIn({ rule }: PlacedRule, known: Known): readonly NegatedInput[] {
  const found = new Map<string, NegatedInput>();
  const note = (kind: NegatedInput["kind"], call: string, names: readonly string[]): void => {
    for (const name of names) if (!found.has(name)) found.set(name, { kind, name, call });
  };
  for (const terms of negations(rule)) {
    const [operator, ...operands] = Array.isArray(terms) ? list(terms) : [undefined, terms];
    const written = operator === undefined ? constantsOf([headOf(terms)]).join(".") : refText(field(operator, "value"));
    const look = operator === undefined || EQUALITY.has(written) ? lookedUpBefore : lookedUp;
    note(
      "negated",
      OPERATORS.get(written) ?? written,
      operands.flatMap((operand) => look(operand, known)),
    );
  }
  for (const { call, operand } of handedToNegations(rule, known.place)) note("handed", call, lookedUp(operand, known));
  for (const [operator, ...operands] of callsIn(rule, (node) => field(node, "negated") !== true))
    note("asked", refText(field(operator, "value")), negatedFor(operator, operands, known));
  return [...found.values()];
}

/** What a function has `not` before because of what it is given, and not whoever asks it. */
function negatedFor(operator: unknown, operands: readonly unknown[], known: Known): readonly string[] {
  const given = givenBy(operands, known.place);
  const meaning = meaningOf(operator, known.place);
  if (meaning.kind !== "rules" || given.flat().length === 0) return [];
  const entered = meaning.rules.filter((rule) => !known.inside.includes(rule));
  return entered.flatMap((rule) => {
    const namesFor = (parts: Given) =>
      negatedIn(rule, knownIn(rule, known.place.rulesAt, known.inside, parts)).map(({ name }) => name);
    const own = namesFor([]);
    return namesFor(given).filter((name) => !own.includes(name));
  });
}

function knownIn(rule: PlacedRule, rulesAt: RulesAt, inside: readonly PlacedRule[], given: Given = []): Known {
  return { place: placeInside(rule, rulesAt, given), schema: inputOf(rule.place), inside: [...inside, rule] };
}

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
  if (isComprehension(term)) return [];
  const value = field(term, "value");
  switch (field(term, "type")) {
    case "var":
      return lookedUpByName(term, known);
    case "ref": {
      const [head, ...brackets] = list(value);
      const inside = field(head, "type") === "var" ? brackets : [head, ...brackets];
      return [...lookedUpByName(term, known), ...inside.flatMap((part) => lookedUp(part, known))];
    }
    case "call": {
      const [operator, ...operands] = list(value);
      const given = givenBy(operands, known.place);
      return [...lookedUpByName(operator, known, given), ...operands.flatMap((operand) => lookedUp(operand, known))];
    }
    default:
      return list(value)
        .flatMap((item) => (Array.isArray(item) ? item : [item]))
        .flatMap((item: unknown) => lookedUp(item, known));
  }
}

/** `given`: where it is asked as a function. */
function lookedUpByName(term: unknown, known: Known, given: Given = []): readonly string[] {
  const meaning = meaningOf(term, known.place);
  if (meaning.kind === "input") {
    const end = absentUpTo(meaning.parts, known.schema);
    const absent = inputName(meaning.parts.slice(0, end));
    const isThere = end === 0 || known.place.handed.some((one) => passes(one, absent));
    return isThere ? [] : [inputName(meaning.parts)];
  }
  if (meaning.kind === "variable")
    return meaning.values.flatMap((value) => lookedUp(extended(value, meaning.parts), past(term, known)));
  const isOwn = field(term, "type") === "var" && !known.place.scope.imports.has(String(field(term, "value")));
  const isAbsent = isOwn ? mayBeUndefined(meaning.rules, known) : needsAbsent(meaning.rules, known, given);
  return isAbsent ? [constantsOf(field(term, "type") === "ref" ? field(term, "value") : [term]).join(".")] : [];
}

/** Of a name that is a rule of the package: sets, objects and defaults always have a value, and so have constants. */
function mayBeUndefined(rules: readonly PlacedRule[], known: Known): boolean {
  return rules.length > 0 && !rules.some(({ rule }) => alwaysHasValue(rule, known));
}

function alwaysHasValue(rule: unknown, known: Known): boolean {
  if (isDefault(rule) || isPartial(rule)) return true;
  return isUnconditional(rule) && isConstant(field(field(rule, "head"), "value"), known);
}

/** Whether a rule or function has no value where all is absent that may be: each of its bodies looks up something of that. */
function needsAbsent(rules: readonly PlacedRule[], known: Known, given: Given): boolean {
  const entered = rules.filter((rule) => !known.inside.includes(rule));
  return (
    entered.length > 0 &&
    !entered.some(({ rule }) => isDefault(rule) || isPartial(rule)) &&
    entered.every((rule) => {
      const own = knownIn(rule, known.place.rulesAt, known.inside, given);
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
  if (isComprehension(term)) return true;
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
