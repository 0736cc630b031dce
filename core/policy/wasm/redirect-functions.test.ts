import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AppError } from "../../domain/app-error.ts";
import { readSections, SECTION, writeSections } from "./binary/sections.ts";
import { redirectFunctions } from "./redirect-functions.ts";

const REDIRECTIONS = [{ runtimeName: "opa_json_marshal", parameters: 1, builtinId: 1_000_000 }] as const;
const text = (value: string) => [value.length, ...Buffer.from(value)];
const section = (id: number, ...content: number[]) => [id, content.length, ...content];

/** Imports opa_builtin1 and exports one function, which answers 7 or what `body` says, under the given name. */
function moduleWith(name: string, body = [0x41, 7]): Uint8Array<ArrayBuffer> {
  const i32 = 0x7f;
  const names = [1, ...text(name)];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, 3, i32, i32, i32, 1, i32, 0x60, 1, i32, 1, i32),
    ...section(2, 1, ...text("env"), ...text("opa_builtin1"), 0, 0),
    ...section(3, 1, 1),
    ...section(7, 1, ...text("f"), 0, 1),
    ...section(10, 1, body.length + 2, 0, ...body, 0x0b),
    ...section(0, ...text("name"), 1, names.length + 1, 1, ...names),
  ]);
}

async function call(wasm: Uint8Array, argument: number): Promise<unknown> {
  const seen: number[][] = [];
  const opa_builtin1 = (...args: number[]) => {
    seen.push(args);
    return 42;
  };
  const module = await WebAssembly.compile(Uint8Array.from(wasm));
  const { f } = new WebAssembly.Instance(module, { env: { opa_builtin1 } }).exports;
  const result: unknown = typeof f === "function" ? Reflect.apply(f, undefined, [argument]) : undefined;
  return { result, seen };
}

describe("refused or left alone", () => {
  test("what is no module ends in an AppError or as it was, never otherwise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          redirectFunctions(bytes, REDIRECTIONS);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
    );
  });

  test("a module without the function keeps its bytes", () => {
    const wasm = moduleWith("opa_json_parse");
    expect(redirectFunctions(wasm, REDIRECTIONS)).toBe(wasm);
  });

  test("every prefix of a real module is refused or left alone", () => {
    const wasm = readFileSync(new URL("../../../rego/bundle/policy.wasm", import.meta.url));
    for (let length = 0; length < wasm.length; length += 9_973) {
      try {
        redirectFunctions(wasm.subarray(0, length), REDIRECTIONS);
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
      }
    }
  });
});

test("the function calls the host with its number, no context and its own argument", async () => {
  const wasm = moduleWith("opa_json_marshal");
  expect(await call(wasm, 5)).toEqual({ result: 7, seen: [] });
  expect(await call(redirectFunctions(wasm, REDIRECTIONS), 5)).toEqual({ result: 42, seen: [[1_000_000, 0, 5]] });
});

describe("a function for one type of its first argument", () => {
  const NUMBER = 3;
  const STRING = 4;

  /** Imports opa_builtin2, exports a function that answers 7, and has another that takes an argument for its type. */
  function moduleOfTwo(): Uint8Array<ArrayBuffer> {
    const i32 = 0x7f;
    const names = [2, 1, ...text("opa_arith_plus"), 2, ...text("opa_value_type")];
    return Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, 3, 0x60, 4, i32, i32, i32, i32, 1, i32, 0x60, 2, i32, i32, 1, i32, 0x60, 1, i32, 1, i32),
      ...section(2, 1, ...text("env"), ...text("opa_builtin2"), 0, 0),
      ...section(3, 2, 1, 2),
      ...section(7, 1, ...text("f"), 0, 1),
      ...section(10, 2, 4, 0, 0x41, 7, 0x0b, 4, 0, 0x20, 0, 0x0b),
      ...section(0, ...text("name"), 1, names.length, ...names),
    ]);
  }

  test.each([
    ["its own body", STRING, 7],
    ["the host", NUMBER, 42],
  ])("is answered by %s", async (_, type, want) => {
    const seen: number[][] = [];
    const opa_builtin2 = (...args: number[]) => {
      seen.push(args);
      return 42;
    };
    const wasm = redirectFunctions(moduleOfTwo(), [
      { runtimeName: "opa_arith_plus", parameters: 2, builtinId: 9, onlyFor: "number" },
    ]);
    const module = await WebAssembly.compile(Uint8Array.from(wasm));
    const { f } = new WebAssembly.Instance(module, { env: { opa_builtin2 } }).exports;
    expect(typeof f === "function" ? Reflect.apply(f, undefined, [type, 65]) : undefined).toBe(want);
    expect(seen).toEqual(type === NUMBER ? [[9, 0, NUMBER, 65]] : []);
  });
});

describe("a function of which the host is to see that it has no answer", () => {
  const watching = [{ ...REDIRECTIONS[0], onlyAfterFailure: true }];
  /** Answers what it is given. */
  const echo = moduleWith("opa_json_marshal", [0x20, 0]);

  test("is refused where functions have no names, since nobody would see it fail", () => {
    const nameless = writeSections(readSections(echo).filter(({ id }) => id !== SECTION.custom));
    expect(() => redirectFunctions(nameless, watching)).toThrow("no names");
    expect(redirectFunctions(nameless, REDIRECTIONS)).toBe(nameless);
  });

  test.each([
    ["is asked of the host, with its arguments, where it has none", 0, { result: 42, seen: [[1_000_000, 0, 0]] }],
    ["answers itself where it has one", 5, { result: 5, seen: [] }],
  ])("%s", async (_, argument, want) => {
    expect(await call(redirectFunctions(echo, watching), argument)).toEqual(want);
  });
});
