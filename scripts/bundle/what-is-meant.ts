/**
 * What a name in a rule means: a part of the input, whatever an import calls it; a variable of the rule, with what it was given by `:=` or `=`;
 * or rules of the bundle.
 */
import { absentUpTo, inputName, inputOf } from "./absent-inputs.ts";
import { field, list, refText } from "./ast.ts";
import { constantsOf, type PlacedRule, placeIn, type RulesAt, type Scope } from "./places.ts";
import { isUnconditional } from "./rule-forms.ts";

/**
 * `parts`: what follows the name, as terms. `values`: none where only an evaluation knows (`some x in …`, a parameter of which nothing is
 * given). `rules`: what the name stands inside the value of, too; none of a built-in, and none where the name means a document of several.
 */
type Meaning =
  | { readonly kind: "input"; readonly parts: readonly unknown[] }
  | { readonly kind: "variable"; readonly values: readonly unknown[]; readonly parts: readonly unknown[] }
  | { readonly kind: "rules"; readonly rules: readonly PlacedRule[]; readonly parts: readonly unknown[] };

export type Place = {
  readonly scope: Scope;
  readonly variables: ReadonlyMap<string, readonly unknown[]>;
  /** Of variables, the parameters that a call gives parts of the input. */
  readonly parameters: ReadonlyMap<string, readonly unknown[]>;
  /** The names of these parts: who calls has looked them up. */
  readonly handed: readonly string[];
  readonly rulesAt: RulesAt;
};

/** Of each parameter the parts of the input that it is in a call, in terms that mean the same in every module. */
export type Given = readonly (readonly unknown[])[];

/** Longer ones count as unknown: a function that asks itself for a part would never end in a text that is not compiled yet. */
const MAX_PARTS = 32;

/** `given`: of a function, by one call. */
export function placeInside({ rule, scope }: PlacedRule, rulesAt: RulesAt, given: Given = []): Place {
  const parameters = new Map(
    list(field(field(rule, "head"), "args")).flatMap((parameter, at) => {
      const [name, terms = []] = [field(parameter, "value"), given[at]];
      return field(parameter, "type") === "var" && typeof name === "string" ? [[name, terms] as const] : [];
    }),
  );
  const handed = [...parameters.values()].flat().map((term) => inputName(list(field(term, "value")).slice(1)));
  return { scope, variables: variablesOf(rule, scope, rulesAt, parameters), parameters, handed, rulesAt };
}

export function givenBy(operands: readonly unknown[], place: Place): Given {
  return operands.map((operand) => inputParts(operand, place));
}

function inputParts(term: unknown, place: Place): readonly unknown[] {
  if (!isName(term)) return [];
  const meaning = meaningOf(term, place);
  if (meaning.kind === "variable")
    return meaning.values.flatMap((value) => inputParts(extended(value, meaning.parts), without(place, term)));
  const found = meaning.kind === "rules" ? aliasOf(meaning.rules) : meaning.parts;
  if (found === undefined || found.length > MAX_PARTS) return [];
  const parts = found.map((part) =>
    field(part, "type") === "string" ? { type: "string", value: field(part, "value") } : { type: "var", value: "_" },
  );
  return [{ type: "ref", value: [{ type: "var", value: "input" }, ...parts] }];
}

/** A variable or a reference. */
export function isName(term: unknown): boolean {
  return field(term, "type") === "var" || field(term, "type") === "ref";
}

/** `term`: a name. */
export function meaningOf(term: unknown, { scope, variables, rulesAt }: Place): Meaning {
  const [head, ...parts] = field(term, "type") === "ref" ? list(field(term, "value")) : [term];
  const name = field(head, "value");
  if (field(head, "type") !== "var" || typeof name !== "string") return { kind: "rules", rules: [], parts };
  const values = variables.get(name);
  if (values !== undefined) return { kind: "variable", values, parts };
  if (name === "input") return { kind: "input", parts };
  const [root, ...from] = scope.imports.get(name) ?? [];
  if (root === "input")
    return { kind: "input", parts: [...from.map((value) => ({ type: "string", value })), ...parts] };
  const constants = constantsOf([head, ...parts]);
  const place = placeIn(scope, constants) ?? [];
  const rules = rulesAt(place);
  const alias = aliasOf(rules);
  const inside = place.slice(rules[0]?.place.length).map((value) => ({ type: "string", value }));
  const below = [...inside, ...parts.slice(constants.length - 1)];
  return alias === undefined || below.length === 0
    ? { kind: "rules", rules, parts }
    : { kind: "input", parts: [...alias, ...below] };
}

/** Of a rule that is another name of a part of the input which is always there, the parts: `_ctx := input.context`. */
function aliasOf([only, ...more]: readonly PlacedRule[]): readonly unknown[] | undefined {
  if (only === undefined || more.length > 0) return undefined;
  const { rule, scope, place } = only;
  const head = field(rule, "head");
  const isPlain = ["args", "key"].every((name) => field(head, name) === undefined) && field(rule, "else") === undefined;
  const value = field(head, "value");
  if (!isPlain || !isUnconditional(rule) || !isName(value)) return undefined;
  const meaning = meaningOf(
    value,
    placeInside({ rule: {}, scope, place }, () => []),
  );
  return meaning.kind === "input" && absentUpTo(meaning.parts, inputOf(place)) === 0 ? meaning.parts : undefined;
}

/** A variable's value with what follows the variable; what is no reference stays as it is. */
export function extended(value: unknown, parts: readonly unknown[]): unknown {
  if (parts.length === 0 || !isName(value)) return value;
  return {
    type: "ref",
    value: [...(field(value, "type") === "ref" ? list(field(value, "value")) : [value]), ...parts],
  };
}

export function headOf(term: unknown): unknown {
  return field(term, "type") === "ref" ? list(field(term, "value"))[0] : term;
}

/** Without one that is looked into: a text that is not compiled yet may go round in circles. */
export function without(place: Place, term: unknown): Place {
  const looked = field(headOf(term), "value");
  const variables = [...place.variables].map(([name, values]) => [name, name === looked ? [] : values] as const);
  return { ...place, variables: new Map(variables) };
}

function variablesOf(
  rule: unknown,
  scope: Scope,
  rulesAt: RulesAt,
  parameters: Place["parameters"],
): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, readonly unknown[]>();
  const note = (pattern: unknown, values: readonly unknown[], isGiven: (name: string) => boolean = () => true) => {
    // NB: of a pattern each name has a part of the value, so nothing can be said of what follows the name.
    const given =
      field(pattern, "type") === "var" ? values : values.map((value) => ({ type: "array", value: [value] }));
    for (const name of namesIn(pattern).filter(isGiven)) found.set(name, [...(found.get(name) ?? []), ...given]);
  };
  /** `=` gives a value to what has none. */
  const isUnknown = (name: string) =>
    name !== "input" && !scope.imports.has(name) && rulesAt([...scope.path, name]).length === 0;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item);
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    const terms = field(node, "terms");
    const [operator, left, right] = list(terms);
    const name = refText(field(operator, "value"));
    if (name === "assign") note(left, [right]);
    if (name === "eq" && field(node, "negated") !== true) {
      note(left, [right], isUnknown);
      note(right, [left], isUnknown);
    }
    for (const symbol of list(field(terms, "symbols"))) noteSymbol(symbol, note);
    if (field(terms, "domain") !== undefined) for (const key of ["key", "value"]) note(field(terms, key), []);
    for (const [key, item] of Object.entries(node)) if (key !== "annotations") visit(item);
  };
  for (const parameter of list(field(field(rule, "head"), "args")))
    note(parameter, parameters.get(String(field(parameter, "value"))) ?? []);
  visit(rule);
  return found;
}

/** `some x`, `some x in …`, `some key, x in …`. */
function noteSymbol(symbol: unknown, note: (pattern: unknown, values: readonly unknown[]) => void): void {
  if (field(symbol, "type") !== "call") return note(symbol, []);
  for (const pattern of list(field(symbol, "value")).slice(1, -1)) note(pattern, []);
}

/** Of the variables in a pattern: `x`, `[x, _]`, `{"id": x}`. */
function namesIn(pattern: unknown): readonly string[] {
  const [type, value] = [field(pattern, "type"), field(pattern, "value")];
  if (type === "var") return typeof value === "string" ? [value] : [];
  if (type !== "array" && type !== "object") return [];
  return list(value)
    .flatMap((item) => (Array.isArray(item) ? item.slice(-1) : [item]))
    .flatMap((item: unknown) => namesIn(item));
}
