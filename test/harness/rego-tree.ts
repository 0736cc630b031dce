/** Syntax trees of Rego as `rego.parse_module` shows them: the words to say what is expected, and the call. */
import { callBuiltin } from "./run-builtin.ts";

/** As Rego text, or the word `error`. */
export const parseModule = (source: string): string => callBuiltin("rego.parse_module", "x.rego", source);

export const variable = (value: string) => ({ type: "var", value });
export const text = (value: string) => ({ type: "string", value });
export const number = (value: number) => ({ type: "number", value });
export const ref = (head: string, ...path: readonly string[]) => ({
  type: "ref",
  value: [variable(head), ...path.map(text)],
});
export const call = (operator: unknown, ...operands: readonly unknown[]) => ({
  type: "call",
  value: [operator, ...operands],
});
export const body = (...terms: readonly unknown[]) => terms.map((each, index) => ({ index, terms: each }));
export const TRUE = { type: "boolean", value: true };
export const named = (name: string) => ({ name, ref: [variable(name)] });
