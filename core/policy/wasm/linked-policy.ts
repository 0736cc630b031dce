/**
 * One instance of a compiled policy, linked by us: every `opa_builtin*` import goes to our own registry. ABI 1.3.
 *
 * An evaluation starts from the same heap every time: after `data` is loaded the heap pointer is kept, and each run sets
 * it back, so nothing of one request is visible to the next and memory does not creep. The input is handed over as JSON
 * text and the result comes back as Rego text (`opa_value_dump`), which keeps sets and all digits.
 *
 * It ends by itself, whatever the policy does: by fuel (meter-fuel.ts), by the maximum of its memory, by V8's stack, by
 * the bounds of built-ins (builtin-calls.ts). NB: an instance that was stopped or trapped is in an unknown state.
 * `evaluate` says so by `kind: "trap"` or `"exceeded"`, and the owner must not use it again.
 */
import { AppError } from "../../domain/app-error.ts";
import type { BuiltinTable } from "../builtin.ts";
import { parseValue } from "../rego-value/parse.ts";
import { RegoNumber, RegoObject, type RegoValue } from "../rego-value/value.ts";
import { type AbiExports, readAbi } from "./abi.ts";
import { createBuiltinCalls, type EvaluationContext } from "./builtin-calls.ts";
import { Aborted, endedBy, type Evaluation, resultOf } from "./evaluation.ts";
import { type Fuel, fuelOf } from "./fuel.ts";
import { createInstanceValues, unicodeOf } from "./instance-values.ts";
import { MAX_FUEL } from "./meter-fuel.ts";

export type InputText =
  | { readonly kind: "json"; readonly text: string }
  /** Rego text: may hold sets. */
  | { readonly kind: "rego"; readonly text: string }
  /** No input, which is not the same as `null`. */
  | { readonly kind: "none" };

/** What one evaluation may use. */
export type Allowance = {
  /** Of the policy itself and its built-ins. */
  readonly fuel: number;
  /** Of all built-ins together. */
  readonly builtinMs: number;
};

export type LinkedPolicy = {
  readonly builtins: ReadonlyMap<number, string>;
  readonly entrypoints: ReadonlyMap<string, number>;
  /** Never throws. */
  evaluate(entrypoint: number, input: InputText, context: EvaluationContext, allowance: Allowance): Evaluation;
  memoryBytes(): number;
};

type LinkOptions = {
  readonly builtins: BuiltinTable;
  /** Base document as JSON text. */
  readonly dataJson: string;
  /** WebAssembly pages of 64 KiB: a policy that wants more is stopped by its own `opa_malloc`. */
  readonly maximumPages: number;
  readonly monotonicMs: () => number;
  /** Built-ins by the numbers that redirect-functions.ts wrote into the module. */
  readonly redirected?: ReadonlyMap<number, string>;
};

const INITIAL_PAGES = 8;
/** Of a result, as Rego text in bytes. The largest that the contract allows is a tenth of it. */
const MAX_RESULT_BYTES = 1 << 20;
/** Reading the input is not the policy's doing and is paid apart, by its length: about four times what it takes. */
const LOADING = { base: 1_000_000, perCharacter: 50 } as const;

/**
 * @param module from compile-policy.ts
 * @throws AppError invalid_bundle when the module is not of this ABI or its data cannot be loaded
 */
export function linkPolicy(module: WebAssembly.Module, options: LinkOptions): LinkedPolicy {
  const { builtins, dataJson, maximumPages, monotonicMs, redirected } = options;
  const memory = new WebAssembly.Memory({ initial: Math.min(INITIAL_PAGES, maximumPages), maximum: maximumPages });
  const names = new Map<number, string>(redirected);
  const values = createInstanceValues(memory, () => abi);
  const nameOf = (id: number) => names.get(id) ?? `number ${id}`;
  const calls = createBuiltinCalls({ builtins, nameOf, values, fuel: () => fuel, monotonicMs });
  const instance = new WebAssembly.Instance(module, {
    env: {
      memory,
      opa_abort: (address: number) => {
        throw new Aborted(values.text(address));
      },
      opa_println: () => undefined,
      opa_builtin0: calls.call,
      opa_builtin1: calls.call,
      opa_builtin2: calls.call,
      opa_builtin3: calls.call,
      opa_builtin4: calls.call,
    },
  });
  const abi: AbiExports = readAbi(instance);
  const readResult = createReadResult();
  const fuel: Fuel = fuelOf(instance);

  const valueAt = (address: number) => parseValue(values.dump(address), "rego");
  const own = integerEntries(valueAt(abi.builtins()));
  for (const [name, id] of own) names.set(id, name);
  const entrypoints = new Map(integerEntries(valueAt(abi.entrypoints())));
  const dataAddress = loadData();
  const baseHeap = abi.opa_heap_ptr_get();

  function loadData(): number {
    try {
      fuel.fill(MAX_FUEL);
      return values.loadJson(dataJson);
    } catch (error) {
      throw new AppError("invalid_bundle", "the bundle's data cannot be loaded", { cause: error });
    }
  }

  function loadInput(input: InputText): number {
    if (input.kind === "none") return 0;
    fuel.fill(Math.min(MAX_FUEL, LOADING.base + LOADING.perCharacter * input.text.length));
    if (input.kind === "json") return values.loadJson(input.text);
    const address = values.parse(input.text);
    if (address === 0) throw new Aborted("not readable as a value");
    return address;
  }

  /** `begins`: the input is read, and what is used from here on is used by the policy. */
  function run(entrypoint: number, input: InputText, begins: () => void) {
    abi.opa_heap_ptr_set(baseHeap);
    const context = abi.opa_eval_ctx_new();
    abi.opa_eval_ctx_set_data(context, dataAddress);
    abi.opa_eval_ctx_set_input(context, loadInput(input));
    abi.opa_eval_ctx_set_entrypoint(context, entrypoint);
    begins();
    const code = abi.eval(context);
    if (code !== 0) return { kind: "trap", message: `evaluation ended with code ${code}` } as const;
    const raw = values.dumpRaw(abi.opa_eval_ctx_get_result(context));
    return raw.length > MAX_RESULT_BYTES ? ({ kind: "oversize" } as const) : resultOf(readResult(raw));
  }

  return {
    builtins: new Map(own.map(([name, id]) => [id, name])),
    entrypoints,
    memoryBytes: values.memoryBytes,
    evaluate(entrypoint, input, context, allowance) {
      const { fuel: units, builtinMs } = allowance;
      fuel.fill(units);
      calls.begin(context, builtinMs);
      let isBegun = false;
      const begins = () => {
        fuel.fill(units);
        isBegun = true;
      };
      const used = () => (isBegun ? Math.min(units, Math.max(0, units - fuel.left())) : 0);
      try {
        const outcome = run(entrypoint, input, begins);
        return { ...outcome, failures: calls.failures(), fuelUsed: used() };
      } catch (error) {
        return { ...endedBy(error, fuel.left()), failures: calls.failures(), fuelUsed: used() };
      } finally {
        calls.end();
      }
    },
  };
}

/** Most decisions of a policy are alike to the letter, and reading a result costs as much as a part of the evaluation. */
const KEPT_RESULTS = 256;
const KEPT_LENGTH = 4_096;

/** What was read from a text before; values do not change. */
function createReadResult(): (raw: string) => RegoValue {
  const known = new Map<string, RegoValue>();
  let last: { readonly raw: string; readonly value: RegoValue } | undefined;
  return (raw) => {
    // To compare two texts is much less than to hash one.
    if (last?.raw === raw) return last.value;
    const kept = known.get(raw);
    const value = kept ?? parseValue(unicodeOf(raw), "rego");
    if (raw.length > KEPT_LENGTH) return value;
    if (known.size >= KEPT_RESULTS) known.clear();
    if (kept === undefined) known.set(raw, value);
    last = { raw, value };
    return value;
  };
}

function integerEntries(value: RegoValue): [string, number][] {
  const entries: [string, number][] = [];
  if (!(value instanceof RegoObject)) return entries;
  for (const [key, id] of value.entries()) {
    if (typeof key === "string" && id instanceof RegoNumber) entries.push([key, Number(id.text)]);
  }
  return entries;
}
