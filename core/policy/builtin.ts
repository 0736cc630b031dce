/**
 * What a built-in function of Rego is to this host: values in, value out, synchronous. An expected failure (wrong type, bad format) is a thrown
 * `BuiltinError`; the host notes it with the built-in's name, and the expression becomes undefined, as in OPA outside strict mode. In native mode
 * a noted error ends the evaluation with `policy_error`: an undefined `deny` rule must not open a door.
 */
import type { Ask, Reply } from "./asks.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./rego-value/value.ts";
import { integerOf } from "./rego-value/number.ts";

/**
 * For what can take long beyond its price (builtins/prices.ts): pays, in fuel, for the work that comes next. It counts
 * work and not time, so that the same input is always answered alike. Throws what ends the evaluation; not to be caught.
 */
export type Pay = (units: number) => void;

/** What a built-in may know beyond its arguments; the same for the whole of one evaluation. */
export type BuiltinCall = {
  readonly nowNs: bigint;
  /** Random bytes that depend on `purpose` only, within one evaluation. */
  readonly randomBytes: (purpose: string, length: number) => Uint8Array;
  readonly pay: Pay;
  /** What the network said to the question `builtin(key)`. Throws `Unanswered` where nobody has asked yet; not to be caught. */
  readonly reply: (builtin: string, key: string, ask: Ask) => Reply;
};

/** `undefined` makes the expression undefined without being an error. */
export type Builtin = (args: readonly RegoValue[], call: BuiltinCall) => RegoValue | undefined;

export type BuiltinTable = ReadonlyMap<string, Builtin>;

export class BuiltinError extends Error {
  override readonly name = "BuiltinError";
  /** The name that a policy knows the built-in by, where the host serves it by another. */
  readonly shownAs: string | undefined;

  constructor(message: string, { shownAs, ...options }: ErrorOptions & { readonly shownAs?: string } = {}) {
    super(message, options);
    this.shownAs = shownAs;
  }
}

/**
 * A call that would run longer, or make more, than a policy decision is worth. OPA would have gone on, so this is no
 * answer: it ends the evaluation as one that exceeded its budget, in either mode. NB: not a `BuiltinError`, which some
 * built-ins answer with `false`.
 */
export class BuiltinLimit extends Error {
  override readonly name = "BuiltinLimit";
}

/** Characters. */
export const MAX_BUILTIN_OUTPUT = 1 << 20;

export function stringArg(args: readonly RegoValue[], at: number): string {
  const value = args[at];
  if (typeof value !== "string") throw wrongType(at, "string");
  return value;
}

export function booleanArg(args: readonly RegoValue[], at: number): boolean {
  const value = args[at];
  if (typeof value !== "boolean") throw wrongType(at, "boolean");
  return value;
}

export function numberArg(args: readonly RegoValue[], at: number): string {
  const value = args[at];
  if (!(value instanceof RegoNumber)) throw wrongType(at, "number");
  return value.text;
}

export function integerArg(args: readonly RegoValue[], at: number): bigint {
  const value = integerOf(numberArg(args, at));
  if (value === undefined) throw wrongType(at, "integer");
  return value;
}

/** Digits, with nothing but zeros behind a point, as Go reads a machine's integer (`util.Atoi64`). */
const MACHINE_INTEGER = /^(?=-?.{1,19}$)(-?\d+)(?:\.0*)?$/;

/** An integer of 64 bits, or the nearest one that a JavaScript number has. */
export function smallIntegerArg(args: readonly RegoValue[], at: number): number {
  const digits = MACHINE_INTEGER.exec(numberArg(args, at))?.[1];
  if (digits === undefined || BigInt.asIntN(64, BigInt(digits)) !== BigInt(digits)) throw wrongType(at, "integer");
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(digits)));
}

export function arrayArg(args: readonly RegoValue[], at: number): readonly RegoValue[] {
  const value = args[at];
  if (!isRegoArray(value)) throw wrongType(at, "array");
  return value;
}

export function objectArg(args: readonly RegoValue[], at: number): RegoObject {
  const value = args[at];
  if (!(value instanceof RegoObject)) throw wrongType(at, "object");
  return value;
}

/** The items of an array or a set. */
export function itemsArg(args: readonly RegoValue[], at: number): readonly RegoValue[] {
  const value = args[at];
  if (value instanceof RegoSet) return value.items;
  if (isRegoArray(value)) return value;
  throw wrongType(at, "array or set");
}

/** One string, or the strings of an array or set. */
export function stringsArg(args: readonly RegoValue[], at: number): readonly string[] {
  const value = args[at];
  if (typeof value === "string") return [value];
  const items = itemsArg(args, at);
  return items.map((_, index) => stringArg(items, index));
}

export function wrongType(at: number, wanted: string): BuiltinError {
  return new BuiltinError(`operand ${at + 1} must be ${wanted}`);
}

export function builtinTable(entries: readonly (readonly [string, Builtin])[]): BuiltinTable {
  return new Map(entries);
}
