/**
 * One instance of a compiled policy, linked by us: every `opa_builtin*` import goes to our own registry. ABI 1.3.
 *
 * An evaluation starts from the same heap every time: after `data` is loaded the heap pointer is kept, and each run sets
 * it back, so nothing of one request is visible to the next and memory does not creep. The input is handed over as JSON
 * text and the result comes back as Rego text (`opa_value_dump`), which keeps sets and all digits.
 *
 * NB: an instance that trapped or aborted is in an unknown state. `evaluate` says so by `kind: "trap"`, and the owner
 * must not use it again. Nothing here stops an evaluation that runs for ever.
 */
import { AppError } from "../../domain/app-error.ts";
import { type BuiltinCall, BuiltinError, type BuiltinTable, MAX_BUILTIN_OUTPUT } from "../builtin.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import { parseValue } from "../rego-value/parse.ts";
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from "../rego-value/value.ts";
import { writeRego } from "../rego-value/write.ts";
import { type AbiExports, readAbi } from "./abi.ts";

export type BuiltinFailure = { readonly builtin: string; readonly message: string };

export type Evaluation =
  | { readonly kind: "value"; readonly value: RegoValue; readonly failures: readonly BuiltinFailure[] }
  | { readonly kind: "undefined"; readonly failures: readonly BuiltinFailure[] }
  | { readonly kind: "trap"; readonly message: string; readonly failures: readonly BuiltinFailure[] };

export type InputText =
  | { readonly kind: "json"; readonly text: string }
  /** Rego text: may hold sets. */
  | { readonly kind: "rego"; readonly text: string }
  /** No input, which is not the same as `null`. */
  | { readonly kind: "none" };

export type LinkedPolicy = {
  readonly builtins: ReadonlyMap<number, string>;
  readonly entrypoints: ReadonlyMap<string, number>;
  evaluate(entrypoint: number, input: InputText, call: BuiltinCall): Evaluation;
  memoryBytes(): number;
};

export type MemoryLimits = {
  /** WebAssembly pages of 64 KiB. */
  readonly initialPages: number;
  readonly maximumPages: number;
};

/** 64 MiB: a policy that wants more is stopped by its own `opa_malloc`. */
export const DEFAULT_MEMORY: MemoryLimits = { initialPages: 8, maximumPages: 1024 };

class Aborted extends Error {}

/** Thrown out of WebAssembly when a built-in fails otherwise than by `BuiltinError`: our fault, never the policy's. */
class BuiltinBroke extends Error {}

/**
 * @param dataJson base document as JSON text
 * @param redirected built-ins by the numbers that redirect-functions.ts wrote into the module
 * @throws AppError invalid_bundle when the module is not of this ABI or its data cannot be loaded
 */
export function linkPolicy(
  module: WebAssembly.Module,
  builtins: BuiltinTable,
  dataJson: string,
  limits: MemoryLimits = DEFAULT_MEMORY,
  redirected: ReadonlyMap<number, string> = new Map(),
): LinkedPolicy {
  const memory = new WebAssembly.Memory({ initial: limits.initialPages, maximum: limits.maximumPages });
  const names = new Map<number, string>();
  let failures: BuiltinFailure[] = [];
  let currentCall: BuiltinCall | undefined;

  const callBuiltin = (id: number, _context: number, ...addresses: number[]): number => {
    const name = names.get(id) ?? redirected.get(id) ?? `number ${id}`;
    const builtin = builtins.get(name);
    if (builtin === undefined || currentCall === undefined) throw new BuiltinBroke(`built-in ${name} is not available`);
    try {
      const result = builtin(addresses.map(readValue), currentCall);
      return result === undefined ? 0 : writeValue(result);
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw new BuiltinBroke(`built-in ${name} broke`, { cause: error });
      failures.push({ builtin: name, message: error.message });
      return 0;
    }
  };

  const instance = new WebAssembly.Instance(module, {
    env: {
      memory,
      opa_abort: (address: number) => {
        throw new Aborted(readText(address));
      },
      opa_println: () => undefined,
      opa_builtin0: callBuiltin,
      opa_builtin1: callBuiltin,
      opa_builtin2: callBuiltin,
      opa_builtin3: callBuiltin,
      opa_builtin4: callBuiltin,
    },
  });
  const abi: AbiExports = readAbi(instance);

  function readText(address: number): string {
    const bytes = new Uint8Array(memory.buffer);
    const end = bytes.indexOf(0, address);
    return textOfBytes(bytes.subarray(address, end < 0 ? bytes.length : end));
  }

  function readValue(address: number): RegoValue {
    return parseValue(readText(abi.opa_value_dump(address)), "rego");
  }

  function place(bytes: Uint8Array): number {
    const address = abi.opa_malloc(bytes.length);
    new Uint8Array(memory.buffer).set(bytes, address);
    return address;
  }

  function writeValue(value: RegoValue): number {
    const bytes = bytesOfText(writeRego(value));
    if (bytes.length > MAX_BUILTIN_OUTPUT) throw new BuiltinError("result is too large");
    const address = abi.opa_value_parse(place(bytes), bytes.length);
    if (address === 0) throw new BuiltinError("result cannot be represented");
    return address;
  }

  function loadJson(text: string): number {
    const bytes = bytesOfText(text);
    const address = abi.opa_json_parse(place(bytes), bytes.length);
    if (address === 0) throw new Aborted("not readable as JSON");
    return address;
  }

  function loadInput(input: InputText): number {
    if (input.kind === "none") return 0;
    if (input.kind === "json") return loadJson(input.text);
    const bytes = bytesOfText(input.text);
    const address = abi.opa_value_parse(place(bytes), bytes.length);
    if (address === 0) throw new Aborted("not readable as a value");
    return address;
  }

  for (const [name, id] of integerEntries(readValue(abi.builtins()))) names.set(id, name);
  const entrypoints = new Map(integerEntries(readValue(abi.entrypoints())));
  const dataAddress = loadData();
  const baseHeap = abi.opa_heap_ptr_get();

  function loadData(): number {
    try {
      return loadJson(dataJson);
    } catch (error) {
      throw new AppError("invalid_bundle", "the bundle's data cannot be loaded", { cause: error });
    }
  }

  function run(entrypoint: number, input: InputText): Evaluation {
    abi.opa_heap_ptr_set(baseHeap);
    const context = abi.opa_eval_ctx_new();
    abi.opa_eval_ctx_set_data(context, dataAddress);
    abi.opa_eval_ctx_set_input(context, loadInput(input));
    abi.opa_eval_ctx_set_entrypoint(context, entrypoint);
    const code = abi.eval(context);
    if (code !== 0) return { kind: "trap", message: `evaluation ended with code ${code}`, failures };
    return resultOf(readValue(abi.opa_eval_ctx_get_result(context)), failures);
  }

  return {
    builtins: names,
    entrypoints,
    memoryBytes: () => memory.buffer.byteLength,
    evaluate(entrypoint, input, call) {
      failures = [];
      currentCall = call;
      try {
        return run(entrypoint, input);
      } catch (error) {
        return { kind: "trap", message: trapMessage(error), failures };
      } finally {
        currentCall = undefined;
      }
    },
  };
}

/** The result set is a set of `{"result": value}` with at most one member. */
function resultOf(results: RegoValue, failures: readonly BuiltinFailure[]): Evaluation {
  const [first, ...rest] = results instanceof RegoSet ? results.items : [];
  if (first === undefined) return { kind: "undefined", failures };
  const value = first instanceof RegoObject && rest.length === 0 ? first.get("result") : undefined;
  if (value === undefined) return { kind: "trap", message: "evaluation gave more than one result", failures };
  return { kind: "value", value, failures };
}

function integerEntries(value: RegoValue): [string, number][] {
  const entries: [string, number][] = [];
  if (!(value instanceof RegoObject)) return entries;
  for (const [key, id] of value.entries()) {
    if (typeof key === "string" && id instanceof RegoNumber) entries.push([key, Number(id.text)]);
  }
  return entries;
}

function trapMessage(error: unknown): string {
  if (error instanceof Aborted) return `aborted: ${error.message}`;
  if (error instanceof BuiltinBroke) return error.message;
  if (error instanceof WebAssembly.RuntimeError) return `trapped: ${error.message}`;
  return error instanceof RangeError ? "trapped: stack or memory exhausted" : "trapped";
}
