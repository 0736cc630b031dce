/**
 * The answer to a case and its comparison with what is wanted, as the README of the cases says: bindings in any order,
 * numbers by value, sets as arrays in Rego's order, keys that are not strings as their JSON text.
 */
import { compareRego, equalRego, sortedEntries } from "../../../core/policy/rego-value/order.ts";
import { isRegoArray, RegoObject, RegoSet, type RegoValue } from "../../../core/policy/rego-value/value.ts";
import { writeJson } from "../../../core/policy/rego-value/write.ts";
import type { OpaCase } from "./read-cases.ts";

export type Answer =
  | { readonly kind: "bindings"; readonly bindings: readonly RegoValue[] }
  /** The evaluation failed: reported as an error, not as an empty answer. */
  | { readonly kind: "error"; readonly message: string }
  /** No evaluation took place: the host refuses or cannot load the module. Never what a case wants. */
  | { readonly kind: "refused"; readonly message: string; readonly cause?: string };

/** The bindings that follow from the value of the entrypoint; undefined has none. */
export function bindingsOf(test: OpaCase, value: RegoValue | undefined): Answer {
  if (value === undefined) return { kind: "bindings", bindings: [] };
  const plain = asJson(value);
  if (test.variable !== undefined) {
    return { kind: "bindings", bindings: [new RegoObject([[test.variable, plain]])] };
  }
  return isRegoArray(plain)
    ? { kind: "bindings", bindings: plain }
    : { kind: "error", message: "the list of bindings is not a list" };
}

export function isAnswered(test: OpaCase, answer: Answer): boolean {
  if (test.want.kind === "error") return answer.kind === "error";
  if (answer.kind !== "bindings") return false;
  const normal = (list: readonly RegoValue[]): RegoValue =>
    list.map((binding) => normalBinding(test, binding)).sort(compareRego);
  return equalRego(normal(answer.bindings), normal(test.want.bindings));
}

export function describe(answer: Answer): string {
  if (answer.kind === "error") return `error: ${answer.message}`;
  if (answer.kind === "refused") return `refused: ${answer.message}`;
  return answer.bindings.length === 0 ? "undefined" : writeJson(answer.bindings);
}

function normalBinding(test: OpaCase, binding: RegoValue): RegoValue {
  if (test.unordered) return everyListSorted(binding);
  if (!test.sortBindings || !(binding instanceof RegoObject)) return binding;
  return new RegoObject(
    [...binding.entries()].map(([key, value]) => [key, isRegoArray(value) ? value.toSorted(compareRego) : value]),
  );
}

function everyListSorted(value: RegoValue): RegoValue {
  if (isRegoArray(value)) return value.map(everyListSorted).sort(compareRego);
  if (!(value instanceof RegoObject)) return value;
  return new RegoObject([...value.entries()].map(([key, item]) => [key, everyListSorted(item)]));
}

function asJson(value: RegoValue): RegoValue {
  if (value instanceof RegoSet) return value.items.map(asJson);
  if (isRegoArray(value)) return value.map(asJson);
  if (!(value instanceof RegoObject)) return value;
  return new RegoObject(sortedEntries(value).map(([key, item]) => [keyOf(key), asJson(item)]));
}

function keyOf(key: RegoValue): string {
  return typeof key === "string" ? key : writeJson(asJson(key));
}
