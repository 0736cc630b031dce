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
import { BinaryFault } from "./binary/leb128.ts";
import { readFunctionNames } from "./binary/names.ts";
import { readSections, writeSections } from "./binary/sections.ts";
import { aliasTexts } from "./alias-texts.ts";
import { keepForeignBytes } from "./keep-foreign-bytes.ts";
import { type Plain, plainQuestions, type PlainQuestions } from "./plain-arguments.ts";
import { readPlainTexts } from "./read-plain-texts.ts";
import { ARRAY_TYPE, SET_TYPE } from "./runtime-collections.ts";
import { NUMBER_TYPE } from "./runtime-number.ts";
import { STRING_TYPE } from "./runtime-string.ts";
import { sortScans } from "./sorted-scans.ts";
import { takeWholeDecimals } from "./take-whole-decimals.ts";
import { writePlainTexts } from "./write-plain-texts.ts";
import { call, constant, get, tee } from "./binary/assemble.ts";
import { I32, OP } from "./binary/opcodes.ts";

export type Redirection = {
  /** Of the runtime's function: its parameters and its one result are addresses of values. */
  readonly runtimeName: string;
  readonly parameters: 1 | 2 | 3;
  /** Above every number that a compiler gives out. */
  readonly builtinId: number;
  /** Where the argument `at` (the first) is of another type, the runtime's own function goes on to answer: `-` is also for sets. */
  readonly onlyFor?: keyof typeof TYPE;
  readonly at?: 0 | 1;
  /** The other way about: the runtime's own function answers for this type, and the host for all others. */
  readonly notFor?: keyof typeof TYPE;
  /** The runtime's own function answers, and the host where it has no answer. */
  readonly onlyAfterFailure?: boolean;
  /** Where its arguments are as it answers them like OPA (plain-arguments.ts), and what it answers is, the runtime's own goes on to answer. */
  readonly onlyBeyond?: Plain;
};

const NO_LOCALS = 0;
/** The runtime's function that says what a value is, and what it says (`wasm/src/value.h`). */
const TYPE_OF = "opa_value_type";
const TYPE = { number: NUMBER_TYPE, string: STRING_TYPE, array: ARRAY_TYPE, set: SET_TYPE } as const;

/** What every module gets, whatever is redirected. Each says whether it did anything. */
const ALWAYS = [keepForeignBytes, sortScans, takeWholeDecimals, aliasTexts, writePlainTexts, readPlainTexts] as const;

/**
 * It also lets text that is not UTF-8 through (keep-foreign-bytes.ts): any client can send it. And `1.0` is an integer (take-whole-decimals.ts), and
 * a loop goes in order where that can be seen (sorted-scans.ts). Strings are read and written in fewer steps (alias-texts.ts, read-plain-texts.ts,
 * write-plain-texts.ts).
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
  let isChanged = ALWAYS.map((change) => change(functions, names)).includes(true);
  const typeOf = names.get(TYPE_OF);
  const plain = plainQuestions(functions, typeOf);
  for (const redirection of redirections) {
    const index = names.get(redirection.runtimeName);
    const builtin = functions.imported(`opa_builtin${redirection.parameters}`);
    if (index === undefined || builtin === undefined) continue;
    functions.replace(index, bodyOf(functions, redirection, { index, builtin, typeOf, plain }));
    isChanged = true;
  }
  return isChanged ? writeSections(functions.written()) : wasm;
}

type Indices = {
  readonly index: number;
  readonly builtin: number;
  readonly typeOf: number | undefined;
  readonly plain: PlainQuestions;
};

function bodyOf(
  functions: Functions,
  redirection: Redirection,
  { index, builtin, typeOf, plain }: Indices,
): Uint8Array {
  const { parameters, builtinId, onlyFor, notFor, at = 0, onlyAfterFailure = false, onlyBeyond } = redirection;
  const places = Array.from({ length: parameters }, (_, argument) => argument);
  const all = places.flatMap(get);
  const known = (target: number | undefined) => {
    if (target === undefined) throw new BinaryFault(`it has no ${TYPE_OF}`);
    return call(target);
  };
  const hasType = (local: number, type: keyof typeof TYPE) => [
    ...[...get(local), ...known(typeOf), ...constant(TYPE[type]), OP.i32Eq],
  ];
  const type = onlyFor ?? notFor;
  const keepsOwn = type !== undefined || onlyAfterFailure || onlyBeyond !== undefined;
  const own = keepsOwn ? [...all, ...call(functions.append(index, functions.bodyOf(index)))] : [];
  const answer = parameters; // the local behind them
  // `opa_builtinN(builtinId, 0, …)`
  let asked = [...constant(builtinId), ...constant(0), ...all, ...call(builtin)];
  if (onlyBeyond !== undefined) {
    const { ofArgument, ofAnswer } = plain(onlyBeyond);
    const whole = [...own, ...tee(answer), ...(ofAnswer === undefined ? [] : call(ofAnswer))];
    const first = [...whole, OP.if, I32, ...get(answer), OP.else, ...asked, OP.end];
    const areAll = places.flatMap((place) => [
      ...[...get(place), ...call(ofArgument), ...(place > 0 ? [OP.i32And] : [])],
    ]);
    asked = [...areAll, OP.if, I32, ...(ofAnswer === undefined ? own : first), OP.else, ...asked, OP.end];
  }
  const ownFirst = [...own, ...tee(answer), OP.i32Eqz, OP.if, I32, ...asked, OP.else, ...get(answer), OP.end];
  const unasked = onlyAfterFailure ? ownFirst : own;
  const locals = keepsOwn ? [1, 1, I32] : [NO_LOCALS];
  if (type === undefined) return Uint8Array.of(...locals, ...(onlyAfterFailure ? ownFirst : asked), OP.end);
  const [those, others] = onlyFor === undefined ? [unasked, asked] : [asked, unasked];
  return Uint8Array.of(...locals, ...hasType(at, type), OP.if, I32, ...those, OP.else, ...others, OP.end, OP.end);
}
