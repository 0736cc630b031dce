/**
 * Gives functions of OPA's runtime inside a compiled policy back to the host: the body of `opa_json_marshal`, say, becomes
 * a call of `opa_builtin1` with a number that our registry knows. The runtime's own versions differ from what OPA itself
 * does (keys in the order of a hash table, decimals for Go's binary floats, blanks inside base64); a policy that was
 * written for OPA can have come to rely on that. Or the host is only asked where the runtime's own has no answer, which it
 * would otherwise not see (core/policy/native-builtins.ts).
 *
 * The function is found in the module's name section; a module without it stays as it is, or is refused where failures were
 * to be seen. No index moves: what is added stands behind everything else.
 */
import { AppError } from "../../domain/app-error.ts";
import { type Functions, functionsOf } from "./binary/functions.ts";
import { BinaryFault, writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { readFunctionNames } from "./binary/names.ts";
import { readSections, writeSections } from "./binary/sections.ts";
import { keepForeignBytes } from "./keep-foreign-bytes.ts";

export type Redirection = {
  /** Of the runtime's function: its parameters and its one result are addresses of values. */
  readonly runtimeName: string;
  readonly parameters: 1 | 2 | 3;
  /** Above every number that a compiler gives out. */
  readonly builtinId: number;
  /** Where the argument `at` (the first) is of another type, the runtime's own function goes on to answer: `-` is also for sets. */
  readonly onlyFor?: keyof typeof TYPE;
  readonly at?: 0 | 1;
  /** The runtime's own function answers, and the host where it has no answer. */
  readonly onlyAfterFailure?: boolean;
};

const OP = {
  ...{ if: 0x04, else: 0x05, end: 0x0b, call: 0x10, localGet: 0x20, localTee: 0x22 },
  ...{ i32Const: 0x41, i32Eqz: 0x45, i32Eq: 0x46 },
} as const;
const NO_LOCALS = 0;
const I32 = 0x7f;
/** The runtime's function that says what a value is, and what it says (`wasm/src/value.h`). */
const TYPE_OF = "opa_value_type";
const TYPE = { number: 3, string: 4, set: 7 } as const;

/**
 * It also lets text that is not UTF-8 through (keep-foreign-bytes.ts): any client can send it.
 * @throws AppError invalid_bundle when the bytes are no module, or when failures were to be seen and its functions have no names
 */
export function redirectFunctions(wasm: Uint8Array, redirections: readonly Redirection[]): Uint8Array {
  try {
    return redirected(wasm, redirections);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_bundle", "the policy module cannot be read", { cause: error });
  }
}

function redirected(wasm: Uint8Array, redirections: readonly Redirection[]): Uint8Array {
  const sections = readSections(wasm);
  const names = new Map([...readFunctionNames(sections)].map(([index, name]) => [name, index]));
  const functions = functionsOf(sections);
  // NB: a denial that fails in a module without names would go unseen.
  if (names.size === 0 && redirections.some(({ onlyAfterFailure }) => onlyAfterFailure))
    throw new AppError(
      "invalid_bundle",
      "the functions of the policy module have no names; build it without stripping it",
    );
  let isChanged = keepForeignBytes(functions, names);
  for (const redirection of redirections) {
    const index = names.get(redirection.runtimeName);
    const builtin = functions.imported(`opa_builtin${redirection.parameters}`);
    if (index === undefined || builtin === undefined) continue;
    functions.replace(index, bodyOf(functions, redirection, { index, builtin, typeOf: names.get(TYPE_OF) }));
    isChanged = true;
  }
  return isChanged ? writeSections(functions.written()) : wasm;
}

type Indices = { readonly index: number; readonly builtin: number; readonly typeOf: number | undefined };

function bodyOf(functions: Functions, redirection: Redirection, { index, builtin, typeOf }: Indices): Uint8Array {
  const { parameters, builtinId, onlyFor, at = 0, onlyAfterFailure = false } = redirection;
  const all = Array.from({ length: parameters }, (_, argument) => [OP.localGet, argument]).flat();
  const call = (target: number) => [OP.call, ...writeUnsigned32(target)];
  // `opa_builtinN(builtinId, 0, …)`
  const asked = [OP.i32Const, ...writeSigned32(builtinId), OP.i32Const, 0, ...all, ...call(builtin)];
  if (onlyFor === undefined && !onlyAfterFailure) return Uint8Array.of(NO_LOCALS, ...asked, OP.end);
  const own = [...all, ...call(functions.append(index, functions.bodyOf(index)))];
  const answer = parameters; // the local behind them
  const ownFirst = [...own, OP.localTee, answer, OP.i32Eqz, OP.if, I32, ...asked, OP.else, OP.localGet, answer, OP.end];
  const locals = onlyAfterFailure ? [1, 1, I32] : [NO_LOCALS];
  const unasked = onlyAfterFailure ? ownFirst : own;
  if (onlyFor === undefined) return Uint8Array.of(...locals, ...unasked, OP.end);
  if (typeOf === undefined) throw new BinaryFault(`it has no ${TYPE_OF}`);
  return Uint8Array.of(
    ...[...locals, OP.localGet, at, ...call(typeOf), OP.i32Const, TYPE[onlyFor], OP.i32Eq],
    ...[OP.if, I32, ...asked, OP.else, ...unasked, OP.end, OP.end],
  );
}
