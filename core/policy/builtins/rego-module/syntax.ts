/**
 * The syntax tree of a Rego module in the very shape that OPA 1.20.2 writes as JSON: these names are what a policy sees.
 * Nothing has a location but a comment, as OPA has it when it is not asked for more.
 */
import { RegoNumber } from "../../rego-value/value.ts";

type Comprehension = { readonly term: Term; readonly body: Body };
type ObjectComprehension = { readonly key: Term; readonly value: Term; readonly body: Body };
/** Null when it is empty. */
type Template = { readonly multi_line: boolean; readonly parts: readonly (Term | Expr)[] | null };
export type Pair = readonly [key: Term, value: Term];

export type Term =
  | { readonly type: "null"; readonly value: Readonly<Record<string, never>> }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "number"; readonly value: RegoNumber }
  | { readonly type: "string" | "var"; readonly value: string }
  | { readonly type: "templatestring"; readonly value: Template }
  | Ref
  | { readonly type: "array" | "set"; readonly value: readonly Term[] }
  | Call
  | { readonly type: "object"; readonly value: readonly Pair[] }
  | { readonly type: "arraycomprehension" | "setcomprehension"; readonly value: Comprehension }
  | { readonly type: "objectcomprehension"; readonly value: ObjectComprehension };

export type Ref = { readonly type: "ref"; readonly value: readonly Term[] };
/** The operator, a reference, and its operands. */
type Call = { readonly type: "call"; readonly value: readonly Term[] };

export type Body = readonly Expr[];

export type Expr = {
  /** Its place in its body. */
  readonly index: number;
  readonly negated?: true;
  /** A list is a call: the operator and its operands. */
  readonly terms: Term | readonly Term[] | Some | Every | Not | Logical;
  readonly with?: readonly With[];
};

export type With = { readonly target: Term; readonly value: Term };
type Some = { readonly symbols: readonly Term[] };
type Every = { readonly key: Term | null; readonly value: Term; readonly domain: Term; readonly body: Body };
type Not = { readonly type: "not"; readonly body: Body; readonly explicit_body: boolean };

export type Logical = {
  readonly type: "and" | "or";
  readonly lhs: Body;
  readonly rhs: Body;
  readonly explicit_lhs?: true;
  readonly explicit_rhs?: true;
};

export type Head = {
  readonly name?: string;
  readonly ref: readonly Term[];
  readonly args?: readonly Term[];
  readonly key?: Term;
  readonly value?: Term;
  readonly assign?: true;
};

export type Rule = { readonly default?: true; readonly head: Head; readonly body: Body; readonly else?: Rule };
export type Package = { readonly path: readonly Term[] };
export type Import = { readonly path: Ref; readonly alias?: string };
/** `Text` in base64; null of a comment that is nothing but a carriage return. */
export type Comment = {
  readonly Text: string | null;
  readonly Location: { readonly file: string; readonly row: number; readonly col: number };
};

/** Any part of a tree. */
export type Node =
  | null
  | boolean
  | string
  | number
  | RegoNumber
  | readonly Node[]
  | { readonly [name: string]: Node | undefined };

export const TRUE: Term = { type: "boolean", value: true };
export const ALWAYS: Body = [{ index: 0, terms: TRUE }];

export const variable = (value: string): Term => ({ type: "var", value });
export const text = (value: string): Term => ({ type: "string", value });
export const refOf = (value: readonly Term[]): Ref => ({ type: "ref", value });
export const callOf = (operator: Term, ...operands: readonly Term[]): Call => ({
  type: "call",
  value: [operator, ...operands],
});

export function isTerms(terms: Expr["terms"]): terms is readonly Term[] {
  return Array.isArray(terms);
}

export function isTerm(terms: Expr["terms"]): terms is Term {
  return "value" in terms && "type" in terms;
}

/** `a.b` of a reference to variable a and its member b; undefined when there is more to it. */
export function dotted(operator: Term | undefined): string | undefined {
  if (operator?.type !== "ref") return undefined;
  const [head, ...rest] = operator.value;
  if (head?.type !== "var") return undefined;
  let name = head.value;
  for (const part of rest) {
    if (part.type !== "string" || !IDENTIFIER.test(part.value)) return undefined;
    name += `.${part.value}`;
  }
  return name;
}
const IDENTIFIER = /^[A-Za-z_][A-Za-z_0-9]*$/;

/** Whether it holds no variable: the head of a reference does not count. */
export function isGround(node: Node | undefined): boolean {
  if (typeof node !== "object" || node === null || node instanceof RegoNumber) return true;
  const [type, value] = "type" in node ? [node["type"], node["value"]] : [];
  if (type === "var" || type === "templatestring") return false;
  return type === "ref" && Array.isArray(value) ? value.slice(1).every(isGround) : Object.values(node).every(isGround);
}

/** Whether it holds neither variable nor call; what stands in a comprehension is not looked at. */
export function isConstant(node: Node | undefined): boolean {
  if (typeof node !== "object" || node === null || node instanceof RegoNumber) return true;
  const type = "type" in node ? node["type"] : undefined;
  if (typeof type === "string" && type.endsWith("comprehension")) return true;
  const isOne = type !== "var" && type !== "ref" && type !== "call";
  return isOne && Object.values(node).every(isConstant);
}
