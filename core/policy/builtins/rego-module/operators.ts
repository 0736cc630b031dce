/** The built-ins that operators of Rego are calls of. */
import { type Ref, refOf, text, variable } from "./syntax.ts";

const operator = (head: string, ...path: readonly string[]): Ref => refOf([variable(head), ...path.map(text)]);
export const MINUS = operator("minus");
export const MEMBER = operator("internal", "member_2");
export const MEMBER_WITH_KEY = operator("internal", "member_3");
/** The one of the symbol: a call of `or` by its name has another. */
export const UNION = operator("or");

const SYMBOLS: readonly (readonly [tightness: number, symbols: Readonly<Record<string, Ref>>])[] = [
  [0, { "==": operator("equal"), "!=": operator("neq"), "<": operator("lt"), ">": operator("gt") }],
  [0, { "<=": operator("lte"), ">=": operator("gte") }],
  [1, { "|": UNION }],
  [2, { "&": operator("and") }],
  [3, { "+": operator("plus"), "-": MINUS }],
  [4, { "*": operator("mul"), "/": operator("div"), "%": operator("rem") }],
];

/** Those of one tightness bind from left to right. `in` binds looser than all; `=` and `:=` make expressions. */
export const OPERATORS: ReadonlyMap<string, { readonly tightness: number; readonly ref: Ref }> = new Map(
  SYMBOLS.flatMap(([tightness, refs]) =>
    Object.entries(refs).map(([symbol, ref]) => [symbol, { tightness, ref }] as const),
  ),
);
export const ASSIGNMENTS: ReadonlyMap<string, Ref> = new Map([
  [":=", operator("assign")],
  ["=", operator("eq")],
]);
