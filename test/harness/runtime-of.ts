/** OPA's runtime inside a module of the real compiler, to be called by hand: texts in and out, without a policy. */
import { type AbiExports, readAbi } from "../../core/policy/wasm/abi.ts";
import { withExport } from "../../core/policy/wasm/binary/exports.ts";
import { type Functions, functionsOf } from "../../core/policy/wasm/binary/functions.ts";
import { readFunctionNames } from "../../core/policy/wasm/binary/names.ts";
import { readSections, writeSections } from "../../core/policy/wasm/binary/sections.ts";
import { Aborted } from "../../core/policy/wasm/evaluation.ts";
import { type Fuel, fuelOf } from "../../core/policy/wasm/fuel.ts";
import { createInstanceValues, type InstanceValues } from "../../core/policy/wasm/instance-values.ts";
import { MAX_FUEL, meterFuel } from "../../core/policy/wasm/meter-fuel.ts";

type Change = (functions: Functions, names: ReadonlyMap<string, number>) => boolean;

type Runtime = {
  readonly abi: AbiExports;
  readonly values: InstanceValues;
  readonly fuel: Fuel;
  /** What an export answers. */
  call(name: string, ...args: readonly number[]): number;
  /** The bytes at an address, to the end of the memory. */
  bytesAt(address: number): Buffer;
};

/** By their names. */
export function functionNames(wasm: Uint8Array): ReadonlyMap<string, number> {
  return new Map([...readFunctionNames(readSections(wasm))].map(([index, name]) => [name, index]));
}

/** The module after these changes, each of which has to do something. */
export function changedBy(wasm: Uint8Array, changes: readonly Change[]): Uint8Array {
  const functions = functionsOf(readSections(wasm));
  const names = functionNames(wasm);
  for (const change of changes) if (!change(functions, names)) throw new Error(`${change.name} did nothing`);
  return writeSections(functions.written());
}

/** Makes instances, metered and with a full tank. `exported`: functions of the runtime to export besides. */
export function runtimeOf(wasm: Uint8Array, exported: readonly string[] = []): () => Runtime {
  const names = functionNames(wasm);
  let sections = readSections(wasm);
  for (const name of exported)
    sections = withExport(sections, { name, kind: "function", index: names.get(name) ?? -1 });
  const module = new WebAssembly.Module(Uint8Array.from(meterFuel(writeSections(sections))));
  return () => {
    const memory = new WebAssembly.Memory({ initial: 8, maximum: 256 });
    const builtin = () => 0;
    const values = createInstanceValues(memory, () => abi);
    const opa_abort = (address: number) => {
      throw new Aborted(values.text(address));
    };
    const builtins = { opa_builtin0: builtin, opa_builtin1: builtin, opa_builtin2: builtin, opa_builtin3: builtin };
    const env = { memory, opa_abort, opa_println: () => undefined, ...builtins, opa_builtin4: builtin };
    const instance = new WebAssembly.Instance(module, { env });
    const abi = readAbi(instance);
    const fuel = fuelOf(instance);
    fuel.fill(MAX_FUEL);
    return {
      ...{ abi, values, fuel },
      call(name, ...args) {
        const found = instance.exports[name];
        if (typeof found !== "function") throw new Error(`${name} is not exported`);
        return Number(Reflect.apply(found, undefined, args));
      },
      bytesAt: (address) => Buffer.from(memory.buffer, address),
    };
  };
}
