/** A WebAssembly module put together by hand, for tests of what reads and rewrites modules. */
import { writeUnsigned32 } from "../../core/policy/wasm/binary/leb128.ts";
import { SECTION, type Section, writeSections } from "../../core/policy/wasm/binary/sections.ts";
import { meterFuel } from "../../core/policy/wasm/meter-fuel.ts";

export const TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, none: 0x40 } as const;

type HandMade = {
  /** Parameters and results of each type. */
  readonly types: readonly (readonly [parameters: readonly number[], results: readonly number[]])[];
  readonly imports?: readonly (readonly [module: string, name: string, description: readonly number[]])[];
  /** The type of each function, and its body: locals, instructions, `end`. */
  readonly functions: readonly (readonly [type: number, body: readonly number[]])[];
  /** Exported functions, by their index. */
  readonly exports?: readonly (readonly [name: string, index: number])[];
  readonly names?: readonly (readonly [index: number, name: string])[];
  readonly start?: number;
  readonly more?: readonly Section[];
};

export function handMade({
  types,
  imports = [],
  functions,
  exports = [],
  names,
  start,
  more = [],
}: HandMade): Uint8Array {
  const section = (id: Section["id"], ...items: readonly (readonly number[])[]): Section => ({
    id,
    content: Uint8Array.from(vector(items)),
  });
  return writeSections([
    section(SECTION.type, ...types.map(([from, to]) => [0x60, ...vector(from.map(one)), ...vector(to.map(one))])),
    ...(imports.length === 0
      ? []
      : [section(SECTION.import, ...imports.map(([module, name, what]) => [...text(module), ...text(name), ...what]))]),
    section(SECTION.function, ...functions.map(([type]) => [...writeUnsigned32(type)])),
    ...more.filter(({ id }) => id < SECTION.export && id !== SECTION.custom),
    section(SECTION.export, ...exports.map(([name, index]) => [...text(name), 0, ...writeUnsigned32(index)])),
    ...(start === undefined ? [] : [{ id: SECTION.start, content: Uint8Array.from(writeUnsigned32(start)) }]),
    ...more.filter(({ id }) => id === SECTION.element),
    section(SECTION.code, ...functions.map(([, body]) => [...writeUnsigned32(body.length), ...body])),
    ...(names === undefined ? [] : [nameSection(names)]),
    ...more.filter(({ id }) => id === SECTION.custom || id === SECTION.data),
  ]);
}

/** One function of no locals, exported as `f`. */
export function oneFunction(code: readonly number[], more: Partial<HandMade> = {}): Uint8Array {
  return handMade({ types: [[[], []]], functions: [[0, [0, ...code, 0x0b]]], exports: [["f", 0]], ...more });
}

export function metered(wasm: Uint8Array): WebAssembly.Instance {
  return new WebAssembly.Instance(new WebAssembly.Module(meterFuel(wasm)));
}

/** What its export `f` answers. */
export function call(instance: WebAssembly.Instance, ...args: readonly unknown[]): unknown {
  const { f } = instance.exports;
  return typeof f === "function" ? Reflect.apply(f, undefined, args) : undefined;
}

function nameSection(names: readonly (readonly [index: number, name: string])[]): Section {
  const part = vector(names.map(([index, name]) => [...writeUnsigned32(index), ...text(name)]));
  const moduleName = [0, 2, 1, 0x6d];
  return {
    id: SECTION.custom,
    content: Uint8Array.from([...text("name"), ...moduleName, 1, ...writeUnsigned32(part.length), ...part]),
  };
}

function vector(items: readonly (readonly number[])[]): readonly number[] {
  return [...writeUnsigned32(items.length), ...items.flat()];
}

function text(content: string): readonly number[] {
  const bytes = Buffer.from(content, "utf8");
  return [...writeUnsigned32(bytes.length), ...bytes];
}

function one(byte: number): readonly number[] {
  return [byte];
}
