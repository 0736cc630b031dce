/**
 * OPA's order of terms as they are written, variables and calls included: a set in the tree is sorted by it and has no
 * term twice, an object is sorted by its keys. Terms are compared as lists of their parts, and no deeper than they are equal.
 */
import { compareRego } from "../../rego-value/order.ts";
import { RegoNumber } from "../../rego-value/value.ts";
import { type Expr, isTerm, isTerms, type Pair, type Term } from "./syntax.ts";

type Part = number | string | boolean | RegoNumber | Term | Expr | readonly Part[];

const TYPES: readonly Term["type"][] = [
  ...(["null", "boolean", "number", "string", "templatestring", "var", "ref", "array", "object", "set"] as const),
  ...(["arraycomprehension", "objectcomprehension", "setcomprehension", "call"] as const),
];
/** Expressions come after all terms. */
const EXPRESSION = 100;

/** The terms, each once and in order. */
export function setOf(terms: readonly Term[]): Term {
  const sorted = terms.toSorted(compare);
  return { type: "set", value: sorted.filter((term, at) => isOther(sorted[at - 1], term)) };
}

/** By its keys. NB: two pairs with one key are both kept. */
export function objectOf(pairs: readonly Pair[]): Term {
  return { type: "object", value: pairs.toSorted(([a], [b]) => compare(a, b)) };
}

const isOther = (before: Term | undefined, term: Term): boolean => before === undefined || compare(before, term) !== 0;

function compare(a: Part, b: Part): number {
  if (typeof a === "number" || typeof b === "number") return Number(a) - Number(b);
  if (isPrimitive(a) || isPrimitive(b)) return isPrimitive(a) && isPrimitive(b) ? compareRego(a, b) : 0;
  if (isParts(a) && isParts(b)) return compareLists(a, b);
  return isParts(a) || isParts(b) ? 0 : compareLists(partsOf(a), partsOf(b));
}

function compareLists(a: readonly Part[], b: readonly Part[]): number {
  for (const [at, part] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    const order = compare(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const isParts = (part: Part): part is readonly Part[] => Array.isArray(part);
const isPrimitive = (part: Part): part is string | boolean | RegoNumber =>
  typeof part === "string" || typeof part === "boolean" || part instanceof RegoNumber;

function partsOf(node: Term | Expr): readonly Part[] {
  return "index" in node ? partsOfExpr(node) : [TYPES.indexOf(node.type), valueOf(node)];
}

function valueOf(term: Term): Part {
  switch (term.type) {
    case "null":
      return 0;
    case "number":
      return comparable(term.value);
    case "object":
      return term.value.flat();
    case "templatestring":
      return [term.value.multi_line, term.value.parts?.length ?? 0, term.value.parts ?? []];
    case "arraycomprehension":
    case "setcomprehension":
      return [term.value.term, term.value.body];
    case "objectcomprehension":
      return [term.value.key, term.value.value, term.value.body];
    default:
      return term.value;
  }
}

/** `.5` is no number anywhere else. */
const comparable = (number: RegoNumber): RegoNumber =>
  number.text.includes("-.") || number.text.startsWith(".") ? new RegoNumber(number.text.replace(".", "0.")) : number;

function partsOfExpr({ terms, index, negated, with: withs = [] }: Expr): readonly Part[] {
  const [rank, parts] = partsOfTerms(terms);
  return [EXPRESSION + rank, index, negated ?? false, parts, withs.flatMap(({ target, value }) => [target, value])];
}

function partsOfTerms(terms: Expr["terms"]): readonly [rank: number, Part] {
  if (isTerms(terms)) return [2, terms];
  if ("symbols" in terms) return [0, terms.symbols];
  if ("domain" in terms) return [3, [terms.key ?? [], terms.value, terms.domain, terms.body]];
  if (isTerm(terms)) return [1, terms];
  return terms.type === "not" ? [4, terms.body] : [terms.type === "and" ? 5 : 6, [terms.lhs, terms.rhs]];
}
