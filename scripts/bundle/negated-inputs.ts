/**
 * Finds `not` before a call that looks up something that may be absent. OPA takes such operands out of the expression and
 * evaluates them first: where `input.context.country` is absent, `not input.context.country in _trusted` does not hold, and
 * neither does anything else of the rule. Only `==` and `=` look up what stands directly beside them in place. What may be
 * absent is what the schema of the input does not require, and a rule of the same package that has neither a default nor a
 * constant value.
 */
import { field, list, refText } from "./ast.ts";

export type NegatedInput = {
  /** As it is written: `input.context.country`, `_country`. */
  readonly name: string;
  /** The function or operator: `internal.member_2` is `in`. */
  readonly call: string;
};

type Known = { readonly rules: readonly unknown[]; readonly schema: unknown };

/** In order, each once. `rules`: those of the same package, which the rule may name. `schema`: of its input. */
export function negatedInputs(rule: unknown, rules: readonly unknown[], schema: unknown): readonly NegatedInput[] {
  const known = { rules, schema };
  const found = new Map<string, NegatedInput>();
  for (const terms of negatedCalls(rule)) {
    const [operator, ...operands] = terms;
    const written = refText(field(operator, "value"));
    const look = EQUALITY.has(written) ? lookedUpBesideEquality : lookedUp;
    for (const name of operands.flatMap((operand) => look(operand, known))) {
      if (!found.has(name)) found.set(name, { name, call: OPERATORS.get(written) ?? written });
    }
  }
  return [...found.values()];
}

const EQUALITY = new Set(["equal", "eq"]);

/** Of what is written directly beside `==`, only what stands in its brackets is looked up before. */
function lookedUpBesideEquality(term: unknown, known: Known): readonly string[] {
  if (field(term, "type") === "var") return [];
  if (field(term, "type") !== "ref") return lookedUp(term, known);
  return list(field(term, "value"))
    .slice(1)
    .flatMap((part) => lookedUp(part, inBrackets(known)));
}

/** A name there is that of a variable. */
function inBrackets({ schema }: Known): Known {
  return { rules: [], schema };
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

/** The terms of negated calls, wherever they stand; a negated reference alone is as it should be, but for what is inside its brackets. */
function negatedCalls(node: unknown): readonly (readonly unknown[])[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => negatedCalls(item));
  if (typeof node !== "object" || node === null) return [];
  const terms = field(node, "terms");
  const own = field(node, "negated") !== true ? [] : Array.isArray(terms) ? [terms] : [bracketed(terms)];
  return [...own, ...Object.values(node).flatMap((item: unknown) => negatedCalls(item))];
}

/** `not _known[input.id]`: looked up before as well. */
function bracketed(term: unknown): readonly unknown[] {
  const [head, ...parts] = list(field(term, "value"));
  return field(term, "type") === "ref"
    ? [{ value: [head] }, ...parts.filter((part) => field(part, "type") !== "var")]
    : [];
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
      return typeof value === "string" && mayBeUndefined(value, known) ? [value] : [];
    case "ref": {
      const [head, ...parts] = list(value);
      const inside = parts.flatMap((part) => lookedUp(part, inBrackets(known)));
      return field(head, "value") === "input" && !isRequired(parts, known) ? [nameOf(list(value)), ...inside] : inside;
    }
    default:
      return list(value)
        .flatMap((item) => (Array.isArray(item) ? item : [item]))
        .flatMap((item: unknown) => lookedUp(item, known));
  }
}

function nameOf(parts: readonly unknown[]): string {
  const names = parts.map((part) => (field(part, "type") === "ref" ? "[…]" : `.${String(field(part, "value"))}`));
  return names.join("").slice(1);
}

/** Whether the schema says that the input always has it. */
function isRequired(parts: readonly unknown[], known: Known): boolean {
  let { schema } = known;
  for (const part of parts) {
    const name = field(part, "type") === "string" ? field(part, "value") : undefined;
    if (typeof name !== "string" || !list(field(schema, "required")).includes(name)) return false;
    schema = field(field(schema, "properties"), name);
  }
  return true;
}

/** Of a name that is a rule of the package: sets, objects and defaults always have a value, and so have constants. */
function mayBeUndefined(name: string, known: Known): boolean {
  const own = known.rules.filter((rule) => refText(field(field(rule, "head"), "ref")) === name);
  return own.length > 0 && !own.some((rule) => alwaysHasValue(rule, known));
}

function alwaysHasValue(rule: unknown, known: Known): boolean {
  const head = field(rule, "head");
  if (field(rule, "default") === true || field(head, "key") !== undefined) return true;
  const body = list(field(rule, "body"));
  const isUnconditional = body.every((expression) => field(field(expression, "terms"), "value") === true);
  return isUnconditional && isConstant(field(head, "value"), known);
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
  const parts = list(field(from, "value"));
  return (
    isGet &&
    field(parts[0], "value") === "input" &&
    isRequired(parts.slice(1), known) &&
    rest.every((item) => isConstant(item, known))
  );
}
