/** What can come of one evaluation, and how whatever is thrown out of WebAssembly becomes one of these. */
import type { Unanswered } from "../asks.ts";
import { TooDeep } from "../rego-value/parse.ts";
import { RegoObject, RegoSet, type RegoValue } from "../rego-value/value.ts";
import { OutOfFuel } from "./fuel.ts";
import { ruleIn } from "./running-rule.ts";

export type BuiltinFailure = {
  readonly builtin: string;
  readonly message: string;
  /** Where it was called, as far as the module names its functions. */
  readonly rule: string | undefined;
};

type Cost = {
  readonly failures: readonly BuiltinFailure[];
  /** Units of fuel, built-ins included. Equal inputs have equal costs. */
  readonly fuelUsed: number;
};

export type Evaluation = Cost &
  (
    | { readonly kind: "value"; readonly value: RegoValue }
    | { readonly kind: "undefined" }
    | { readonly kind: "trap"; readonly message: string }
    /** It was stopped: what it took too much of, and in which rule. */
    | { readonly kind: "exceeded"; readonly what: Exceeded; readonly rule: string | undefined }
    /** It gave more than a result may be; nobody read it. */
    | { readonly kind: "oversize" }
    /** It came to a question that nobody has answered (asks.ts): `why` not. */
    | { readonly kind: "asks"; readonly asked: Unanswered; readonly why: string }
  );

type Exceeded = "time" | "memory" | "stack" | "builtin";

/** Thrown by `opa_abort`. */
export class Aborted extends Error {}

/** Thrown out of WebAssembly when a built-in fails otherwise than by `BuiltinError`: our fault, never the policy's. */
export class BuiltinBroke extends Error {}

/** A built-in was given, or wanted to make, or took, more than a decision is worth. */
export class BuiltinExceeded extends Error {}

/** The runtime's own word when memory cannot grow. */
const OUT_OF_MEMORY = "opa_malloc: failed";

type Ended =
  | { readonly kind: "trap"; readonly message: string }
  | { readonly kind: "exceeded"; readonly what: Exceeded; readonly rule: string | undefined };

/** @param fuelLeft below zero: whatever trapped, it was for that */
export function endedBy(error: unknown, fuelLeft: number): Ended {
  const what = exceededBy(error, fuelLeft);
  if (what !== undefined) {
    return { kind: "exceeded", what, rule: ruleIn(error instanceof Error ? error.stack : undefined) };
  }
  if (error instanceof Aborted) return { kind: "trap", message: `aborted: ${error.message}` };
  if (error instanceof BuiltinBroke) return { kind: "trap", message: error.message };
  return { kind: "trap", message: error instanceof WebAssembly.RuntimeError ? `trapped: ${error.message}` : "trapped" };
}

function exceededBy(error: unknown, fuelLeft: number): Exceeded | undefined {
  if (fuelLeft < 0 || error instanceof OutOfFuel) return "time";
  if (error instanceof BuiltinExceeded) return "builtin";
  if (error instanceof Aborted && error.message === OUT_OF_MEMORY) return "memory";
  return isStackOverflow(error) || error instanceof TooDeep ? "stack" : undefined;
}

/** V8 says so by a RangeError, both in WebAssembly and in a built-in that was called with little stack left. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes("call stack");
}

/** The result set is a set of `{"result": value}` with at most one member. */
export function resultOf(
  results: RegoValue,
):
  | { readonly kind: "value"; readonly value: RegoValue }
  | { readonly kind: "undefined" }
  | { readonly kind: "trap"; readonly message: string } {
  const [first, ...rest] = results instanceof RegoSet ? results.items : [];
  if (first === undefined) return { kind: "undefined" };
  const value = first instanceof RegoObject && rest.length === 0 ? first.get("result") : undefined;
  if (value === undefined) return { kind: "trap", message: "evaluation gave more than one result" };
  return { kind: "value", value };
}
