/**
 * Gives functions of OPA's runtime inside a compiled policy back to the host: the body of `opa_json_marshal`, say, becomes
 * a call of `opa_builtin1` with a number that our registry knows. The runtime's own version writes keys in the order of its
 * hash table and escapes nothing; a policy that was written for OPA can have come to rely on more.
 *
 * The function is found in the module's name section; a module without it stays as it is. Nothing else of the module
 * changes: no index moves, since no function is added.
 */
import { AppError } from "../../domain/app-error.ts";
import { readBodies, withBodies } from "./binary/code.ts";
import { readImports } from "./binary/imports.ts";
import { writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { readFunctionNames } from "./binary/names.ts";
import { readSections, writeSections } from "./binary/sections.ts";

export type Redirection = {
  /** Of the runtime's function: one parameter, one result, both addresses of values. */
  readonly runtimeName: string;
  /** Above every number that a compiler gives out. */
  readonly builtinId: number;
};

const OP = { call: 0x10, localGet: 0x20, i32Const: 0x41, end: 0x0b } as const;
const NO_LOCALS = 0;

/** @throws AppError invalid_bundle when the bytes are no module */
export function redirectFunctions(wasm: Uint8Array, redirections: readonly Redirection[]): Uint8Array {
  try {
    return redirected(wasm, redirections);
  } catch (error) {
    throw new AppError("invalid_bundle", "the policy module cannot be read", { cause: error });
  }
}

function redirected(wasm: Uint8Array, redirections: readonly Redirection[]): Uint8Array {
  const sections = readSections(wasm);
  const imported = readImports(sections).filter(({ kind }) => kind === "function");
  const builtin1 = imported.findIndex(({ name }) => name === "opa_builtin1");
  const wanted = new Map(redirections.map(({ runtimeName, builtinId }) => [runtimeName, builtinId]));
  const bodies = new Map<number, Uint8Array>();
  for (const [index, name] of readFunctionNames(sections)) {
    const builtinId = wanted.get(name);
    if (builtinId !== undefined && builtin1 >= 0) bodies.set(index - imported.length, callOf(builtin1, builtinId));
  }
  if (bodies.size === 0) return wasm;
  const all = readBodies(sections).map((body, at) => bodies.get(at) ?? body);
  return writeSections(withBodies(sections, all));
}

/** `opa_builtin1(builtinId, 0, first parameter)`. */
function callOf(builtin1: number, builtinId: number): Uint8Array {
  return Uint8Array.of(
    ...[NO_LOCALS, OP.i32Const, ...writeSigned32(builtinId), OP.i32Const, 0, OP.localGet, 0],
    ...[OP.call, ...writeUnsigned32(builtin1), OP.end],
  );
}
