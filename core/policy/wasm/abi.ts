/** The exports of an OPA policy module, ABI 1.3, checked once when it is linked. A module of another ABI is refused. */
import { AppError } from "../../domain/app-error.ts";

type AbiFunction =
  | "builtins"
  | "entrypoints"
  | "eval"
  | "opa_eval_ctx_new"
  | "opa_eval_ctx_set_input"
  | "opa_eval_ctx_set_data"
  | "opa_eval_ctx_set_entrypoint"
  | "opa_eval_ctx_get_result"
  | "opa_heap_ptr_get"
  | "opa_heap_ptr_set"
  | "opa_json_parse"
  | "opa_malloc"
  | "opa_value_dump"
  | "opa_value_parse";
export type AbiExports = Readonly<Record<AbiFunction, (...args: number[]) => number>>;

const MAJOR = 1;
const MINOR_AT_LEAST = 3;

/** @throws AppError invalid_bundle */
export function readAbi(instance: WebAssembly.Instance): AbiExports {
  const major = globalValue(instance, "opa_wasm_abi_version");
  const minor = globalValue(instance, "opa_wasm_abi_minor_version");
  if (major !== MAJOR || minor < MINOR_AT_LEAST) {
    throw new AppError("invalid_bundle", `the policy module has ABI ${major}.${minor}, needed is 1.${MINOR_AT_LEAST}`);
  }
  return {
    builtins: functionNamed(instance, "builtins"),
    entrypoints: functionNamed(instance, "entrypoints"),
    eval: functionNamed(instance, "eval"),
    opa_eval_ctx_new: functionNamed(instance, "opa_eval_ctx_new"),
    opa_eval_ctx_set_input: functionNamed(instance, "opa_eval_ctx_set_input"),
    opa_eval_ctx_set_data: functionNamed(instance, "opa_eval_ctx_set_data"),
    opa_eval_ctx_set_entrypoint: functionNamed(instance, "opa_eval_ctx_set_entrypoint"),
    opa_eval_ctx_get_result: functionNamed(instance, "opa_eval_ctx_get_result"),
    opa_heap_ptr_get: functionNamed(instance, "opa_heap_ptr_get"),
    opa_heap_ptr_set: functionNamed(instance, "opa_heap_ptr_set"),
    opa_json_parse: functionNamed(instance, "opa_json_parse"),
    opa_malloc: functionNamed(instance, "opa_malloc"),
    opa_value_dump: functionNamed(instance, "opa_value_dump"),
    opa_value_parse: functionNamed(instance, "opa_value_parse"),
  };
}

function functionNamed(instance: WebAssembly.Instance, name: AbiFunction): (...args: number[]) => number {
  const found = instance.exports[name];
  if (!isExportedFunction(found)) throw new AppError("invalid_bundle", `the policy module does not export ${name}`);
  return found;
}

/** What a WebAssembly export returns is a number, or undefined where the function has no result. */
function isExportedFunction(value: unknown): value is (...args: number[]) => number {
  return typeof value === "function";
}

function globalValue(instance: WebAssembly.Instance, name: string): number {
  const found = instance.exports[name];
  const value = found instanceof WebAssembly.Global ? found.value : undefined;
  if (typeof value !== "number") throw new AppError("invalid_bundle", `the policy module does not export ${name}`);
  return value;
}
