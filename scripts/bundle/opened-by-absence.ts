/**
 * Finds `not` that opens a door where a part of the context is absent: `allow contains "x" if not _blocked`, with `_blocked if
 * input.context.country in {"KP"}`, allows while the country is unknown. The same through helpers, in all packages of the bundle: `deny contains
 * "x" if not _trusted`, with `_trusted if not _blocked`, denies nobody then. Each rule is asked what it loses where something is absent (it may
 * not hold then), and what it gains (it may hold for that); `not` turns the one into the other. So what `allow` gains is a fault, and so is what
 * `deny` or `elevate` loses by something that gains.
 *
 * Not a fault: what the bundle requires (`custom.requires`), what the same rule or a helper beside the `not` looks up without `not`, since then it ends
 * there, and what is not of the context, such as a parameter that a caller leaves out. Not seen: what a comparison makes of nothing
 * (`count(_incidents) == 0`), a `default` that opens, an `else` that does, the default of `object.get`, and rules by names that only an evaluation knows.
 */
import { absentUpTo, inputName, inputOf, passes } from "./absent-inputs.ts";
import { callOf, field, list, refText } from "./ast.ts";
import { constantsOf, type PlacedRule, type RulesAt } from "./places.ts";
import { EQUALITY, isComprehension, isDefault, isSet, keyAndValue, saysFalse, withElse } from "./rule-forms.ts";
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

/** Names of context → what stands behind the `not` that opens; "" without one. */
type Names = ReadonlyMap<string, string>;
type Effects = {
  /** Absent, the rule may not hold. */
  readonly lost: Names;
  /** Absent, it may hold for that. */
  readonly gained: Names;
  /** Of `lost`, what it loses by something that gains. */
  readonly missed: Names;
};

type Opened = { readonly name: string; readonly negated: string };

const NONE: Effects = { lost: new Map(), gained: new Map(), missed: new Map() };

/** `required`: names of context that are never absent where anything is allowed. What it returns is for a rule of one of the three sets. */
export function openedByAbsence(
  rules: readonly PlacedRule[],
  rulesAt: RulesAt,
  required: ReadonlySet<string>,
): (rule: PlacedRule, set: string) => readonly Opened[] {
  // NB: empty while a rule is looked into: a text that is not compiled yet may go round in circles.
  const effects = new Map<PlacedRule, Map<string, Effects>>();
  const needs = new Map<PlacedRule, Map<string, readonly string[]>>();
  const holdByDefault = new Set(rules.filter(({ rule }) => isDefault(rule) && !saysFalse(rule)).map(keyOf));

  /** `given`: of a function, by one call. */
  function effectsOf(rule: PlacedRule, given: Given): Effects {
    return once(effects, rule, given, NONE, () => (holdByDefault.has(keyOf(rule)) ? NONE : ownEffects(rule, given)));
  }

  function ownEffects(rule: PlacedRule, given: Given): Effects {
    const place = placeInside(rule, rulesAt, given);
    // NB: what a rule that says `false` loses, it does not say.
    const said = withElse(rule.rule).filter((one) => !saysFalse(one));
    const all = joined(said.map((one) => positive([keyAndValue(one), field(one, "body")], place)));
    const needed = [...place.handed, ...neededBy(rule, given)];
    const open = (names: Names, passed: readonly string[]) =>
      new Map([...names].filter(([name]) => !passed.some((one) => passes(one, name))));
    return { lost: open(all.lost, place.handed), gained: open(all.gained, needed), missed: open(all.missed, needed) };
  }

  /** Of anything that is evaluated as it stands. */
  function positive(node: unknown, place: Place): Effects {
    if (Array.isArray(node)) return joined(node.map((item: unknown) => positive(item, place)));
    if (typeof node !== "object" || node === null || isPrint(node)) return NONE;
    if (field(node, "negated") === true) return negative(field(node, "terms"), place);
    if (isName(node)) return joined([named(node, place), positive(bracketsOf(node), place)]);
    const [operator, ...operands] = callOf(node);
    if (operator === undefined) return joined(Object.values(node).map((item: unknown) => positive(item, place)));
    const asked = named(operator, place, givenBy(operands, place));
    return joined([asked, positive([operands, field(node, "with")], place)]);
  }

  /** `given`: where it is asked as a function. */
  function named(term: unknown, place: Place, given: Given = []): Effects {
    const meaning = meaningOf(term, place);
    if (meaning.kind === "rules") return joined(meaning.rules.map((rule) => effectsOf(rule, given)));
    if (meaning.kind === "variable")
      return joined(meaning.values.map((value) => positive(extended(value, meaning.parts), without(place, term))));
    const name = contextName(meaning.parts, place, required);
    return name === undefined ? NONE : { ...NONE, lost: new Map([[name, ""]]) };
  }

  /** Of what stands behind `not`. */
  function negative(terms: unknown, place: Place): Effects {
    if (!Array.isArray(terms)) return turned(named(terms, place), textOf(terms));
    const [operator, ...operands] = list(terms);
    const isEquality = EQUALITY.has(refText(field(operator, "value")));
    const inside = operands.map((operand) =>
      turned(isEquality && isName(operand) ? named(operand, place) : neverAbsent(operand, place), textOf(operand)),
    );
    return joined([turned(named(operator, place, givenBy(operands, place)), textOf(operator)), ...inside]);
  }

  /** An operand is looked up before the `not`: where it is absent the rule has ended. So only of what never is, such as a set that is empty then. */
  function neverAbsent(term: unknown, place: Place): Effects {
    if (Array.isArray(term)) return joined(term.map((item: unknown) => neverAbsent(item, place)));
    if (isComprehension(term)) return positive(term, place);
    if (!isName(term)) {
      const [operator, ...operands] = callOf(term);
      const made = meaningOf(operator, place);
      return joined([
        made.kind === "rules" ? setsOf(made.rules, givenBy(operands, place)) : NONE,
        Array.isArray(field(term, "value"))
          ? neverAbsent(operator === undefined ? field(term, "value") : operands, place)
          : NONE,
      ]);
    }
    const meaning = meaningOf(term, place);
    if (meaning.kind === "variable")
      return joined(meaning.values.map((value) => neverAbsent(value, without(place, term))));
    return meaning.kind === "rules" ? setsOf(meaning.rules, []) : NONE;
  }

  function setsOf(all: readonly PlacedRule[], given: Given): Effects {
    return joined(all.filter(({ rule }) => isSet(rule)).map((rule) => effectsOf(rule, given)));
  }

  /** What a rule looks up in any case: absent, it does not hold. */
  function neededBy(rule: PlacedRule, given: Given): readonly string[] {
    return once(needs, rule, given, [], () =>
      withElse(rule.rule).length === 1 ? neededIn(field(rule.rule, "body"), placeInside(rule, rulesAt, given)) : [],
    );
  }

  function neededIn(node: unknown, place: Place): readonly string[] {
    if (Array.isArray(node)) return node.flatMap((item: unknown) => neededIn(item, place));
    if (typeof node !== "object" || node === null || endsNothing(node)) return [];
    if (field(node, "domain") !== undefined) return neededIn(field(node, "domain"), place); // `every` of nothing holds
    if (isName(node)) return [...neededByName(node, place, []), ...neededIn(bracketsOf(node), place)];
    const [operator, ...operands] = callOf(node);
    if (operator === undefined) return Object.values(node).flatMap((item: unknown) => neededIn(item, place));
    return [...neededByName(operator, place, givenBy(operands, place)), ...neededIn(operands, place)];
  }

  function neededByName(term: unknown, place: Place, given: Given): readonly string[] {
    const meaning = meaningOf(term, place);
    if (meaning.kind === "input") return [inputName(meaning.parts)];
    if (meaning.kind === "variable") {
      const parts = place.parameters.get(String(field(headOf(term), "value"))) ?? [];
      return parts.map((part) => inputName(list(field(extended(part, meaning.parts), "value")).slice(1)));
    }
    const isAlwaysThere = meaning.rules.some(({ rule }) => isDefault(rule) || isSet(rule));
    const [first = [], ...more] = isAlwaysThere ? [] : meaning.rules.map((rule) => neededBy(rule, given));
    return first.filter((name) => more.every((names) => names.includes(name)));
  }

  return (rule, set) => {
    const { gained, missed } = effectsOf(rule, []);
    return [...(set === "allow" ? gained : missed)].map(([name, negated]) => ({ name, negated }));
  };
}

/** Of each rule and what it is given. `entered`: what counts while it is looked into. */
function once<Value>(
  all: Map<PlacedRule, Map<string, Value>>,
  rule: PlacedRule,
  given: Given,
  entered: Value,
  find: () => Value,
): Value {
  const ofRule = all.get(rule) ?? new Map<string, Value>();
  const key = JSON.stringify(given);
  const known = ofRule.get(key);
  if (known !== undefined) return known;
  all.set(rule, ofRule.set(key, entered));
  const found = find();
  ofRule.set(key, found);
  return found;
}

/** What is lost behind `not` is gained, and the other way round. */
function turned({ lost, gained }: Effects, text: string): Effects {
  const by = (names: Names) => new Map([...names].map(([name, inner]) => [name, inner === "" ? text : inner] as const));
  return { lost: by(gained), gained: by(lost), missed: by(gained) };
}

function joined(all: readonly Effects[]): Effects {
  return {
    lost: new Map(all.flatMap(({ lost }) => [...lost])),
    gained: new Map(all.flatMap(({ gained }) => [...gained])),
    missed: new Map(all.flatMap(({ missed }) => [...missed])),
  };
}

/** Up to the last part that may be absent, or that is known before; undefined for what is not of the context, or is never absent. */
function contextName(parts: readonly unknown[], { scope }: Place, required: ReadonlySet<string>): string | undefined {
  const schema = inputOf(scope.path);
  const known = parts.findIndex((part) => field(part, "type") !== "string");
  // NB: of a list what may be absent is the list (`input.context.incidents[_]`), and that can be required.
  const end = absentUpTo(known < 0 ? parts : parts.slice(0, known), schema) || absentUpTo(parts, schema);
  const [area, name] = parts.map((part) => String(field(part, "value")));
  const isRequired = end === 2 && name !== undefined && required.has(name);
  return area === "context" && end > 0 && !isRequired ? inputName(parts.slice(0, end)) : undefined;
}

function keyOf({ place }: PlacedRule): string {
  return JSON.stringify(place);
}

/** Whether a rule goes on where something inside is absent. NB: under `with` other things are looked up than are written. */
function endsNothing(node: unknown): boolean {
  const isSpared = field(node, "negated") === true || field(node, "with") !== undefined;
  return isSpared || isPrint(node) || isComprehension(node) || field(node, "type") === "templatestring";
}

/** Writes `<undefined>` for what is absent. */
function isPrint(node: unknown): boolean {
  return refText(field(list(field(node, "terms"))[0], "value")) === "print";
}

function bracketsOf(term: unknown): readonly unknown[] {
  return field(term, "type") === "ref" ? list(field(term, "value")).slice(1) : [];
}

function textOf(term: unknown): string {
  if (!isName(term)) return "an expression";
  return constantsOf(field(term, "type") === "ref" ? field(term, "value") : [term]).join(".");
}
