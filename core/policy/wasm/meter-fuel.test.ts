import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { call, handMade, metered, oneFunction, TYPE } from "../../../test/harness/wasm-module.ts";
import { AppError } from "../../domain/app-error.ts";
import { readFunctionNames } from "./binary/names.ts";
import { readSections, SECTION } from "./binary/sections.ts";
import { fuelOf } from "./fuel.ts";
import { FUEL_EXPORT, MAX_FUEL, meterFuel } from "./meter-fuel.ts";

const real = readFileSync(new URL("../../../rego/bundle/policy.wasm", import.meta.url));
const { i32, i64, f32, f64, none } = TYPE;
const END = 0x0b;

describe("what is not understood is refused", () => {
  const memory = { id: SECTION.memory, content: Uint8Array.of(1, 0, 1) } as const;
  const table = { id: SECTION.table, content: Uint8Array.of(1, 0x70, 0, 1) } as const;
  test.each<readonly [string, Uint8Array]>([
    ["a table that grows", oneFunction([0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a], { more: [table] })],
    ["memory.fill", oneFunction([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0])],
    ["memory.copy", oneFunction([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0])],
    ["a vector instruction", oneFunction([0xfd, 0x0c, ...Array<number>(16).fill(0), 0x1a])],
    ["an atomic instruction", oneFunction([0xfe, 0x03, 0x00])],
    ["a tail call", oneFunction([0x12, 0])],
    ["an instruction that does not exist", oneFunction([0xff])],
    ["a block of an unknown type", oneFunction([0x02, 0x41, END])],
    ["a body that does not end", handMade({ types: [[[], []]], functions: [[0, [0, 0x02, none, END]]] })],
    ["a body that goes on after its end", oneFunction([END, 0x01])],
    ["a memory of its own", oneFunction([], { more: [memory] })],
    [
      "a table that is filled later",
      oneFunction([], { more: [table, { id: SECTION.element, content: Uint8Array.of(1, 1, 0, 1, 0) }] }),
    ],
    [
      "a place in a table that is computed",
      oneFunction([], { more: [table, { id: SECTION.element, content: Uint8Array.of(1, 0, 0x23, 0, END, 1, 0) }] }),
    ],
    ["an import from elsewhere", oneFunction([], { imports: [["wasi", "f", [0, 0]]] })],
    ["an imported table", oneFunction([], { imports: [["env", "t", [1, 0x70, 0, 1]]] })],
    ["an imported global", oneFunction([], { imports: [["env", "g", [3, i32, 0]]] })],
    ["no module", Uint8Array.of(1, 2, 3)],
    ["a module that is metered already", meterFuel(oneFunction([]))],
  ])("%s", (_, wasm) => {
    expect(() => meterFuel(wasm)).toThrow(AppError);
  });

  test("random bytes and every prefix of a real module end in an AppError", () => {
    const refused = (bytes: Uint8Array) => {
      try {
        meterFuel(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refused));
    for (let length = 0; length < real.length; length += 9_973) refused(real.subarray(0, length));
  });
});

describe("nothing runs for ever", () => {
  test.each<readonly [string, Uint8Array]>([
    ["an endless loop", oneFunction([0x03, none, 0x0c, 0, END])],
    ["an endless loop without a payment inside its branches", oneFunction([0x03, none, 0x41, 1, 0x0d, 0, END])],
    ["a loop that br_table enters again", oneFunction([0x03, none, 0x41, 0, 0x0e, 1, 0, 0, END])],
    ["a loop in a loop", oneFunction([0x03, none, 0x03, none, END, 0x0c, 0, END])],
    ["a loop of the type i32", oneFunction([0x03, i32, 0x0c, 0, END, 0x1a])],
    [
      "a loop with a parameter",
      oneFunction([0x41, 1, 0x03, 1, 0x0c, 0, END, 0x1a], {
        types: [
          [[], []],
          [[i32], [i32]],
        ],
      }),
    ],
  ])("%s traps with its fuel below zero", (_, wasm) => {
    expect(WebAssembly.validate(wasm)).toBe(true);
    const instance = metered(wasm);
    const fuel = fuelOf(instance);
    fuel.fill(10_000);
    expect(() => call(instance)).toThrow(WebAssembly.RuntimeError);
    expect(fuel.left()).toBeLessThan(0);
    expect(() => call(instance)).toThrow(WebAssembly.RuntimeError);
  });

  test("endless recursion ends at the stack or at the fuel, whichever is less", () => {
    const wasm = oneFunction([0x10, 0]);
    fuelOf(metered(wasm)).fill(MAX_FUEL);
    expect(() => call(metered(wasm))).toThrow(RangeError);
    const instance = metered(wasm);
    fuelOf(instance).fill(100);
    expect(() => call(instance)).toThrow(WebAssembly.RuntimeError);
  });
});

describe("nothing else changes", () => {
  test("blocks of every type give what they gave", () => {
    const constant = {
      [i32]: [0x41, 7],
      [i64]: [0x42, 7],
      [f32]: [0x43, 0, 0, 0xe0, 0x40],
      [f64]: [0x44, 0, 0, 0, 0, 0, 0, 0x1c, 0x40],
    };
    for (const type of [i32, i64, f32, f64] as const) {
      for (const opcode of [0x02, 0x03, 0x04]) {
        const condition = opcode === 0x04 ? [0x41, 1] : [];
        const otherwise = opcode === 0x04 ? [0x05, ...constant[type]] : [];
        const code = [...condition, opcode, type, ...constant[type], ...otherwise, END];
        const wasm = oneFunction(code, { types: [[[], [type]]] });
        expect(WebAssembly.validate(wasm)).toBe(true);
        expect(Number(call(metered(wasm)))).toBe(7);
      }
    }
  });

  test("a start function runs before anybody could set the fuel", () => {
    const wasm = oneFunction(Array<number>(1_600).fill(0x01), { start: 0 });
    expect(fuelOf(metered(wasm)).left()).toBe(MAX_FUEL - 100);
  });

  test("exports, imports and names of a real module stay", () => {
    const rewritten = meterFuel(real);
    const [before, after] = [real, rewritten].map((bytes) => new WebAssembly.Module(bytes));
    if (before === undefined || after === undefined) throw new Error("two modules");
    expect(WebAssembly.Module.imports(after)).toEqual(WebAssembly.Module.imports(before));
    expect(WebAssembly.Module.exports(after)).toEqual([
      ...WebAssembly.Module.exports(before),
      { name: FUEL_EXPORT, kind: "global" },
    ]);
    expect(readFunctionNames(readSections(rewritten))).toEqual(readFunctionNames(readSections(real)));
  });

  test("a module without the global is not taken for a metered one", () => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(oneFunction([])));
    expect(() => fuelOf(instance)).toThrow(AppError);
  });
});
