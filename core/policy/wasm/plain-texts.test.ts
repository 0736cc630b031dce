/** Strings in and out of the runtime of a real module: with our functions, each by itself and all of them, as it does it itself. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { changedBy, functionNames, runtimeOf } from "../../../test/harness/runtime-of.ts";
import { aliasTexts } from "./alias-texts.ts";
import { functionsOf } from "./binary/functions.ts";
import { readSections } from "./binary/sections.ts";
import { Aborted } from "./evaluation.ts";
import { keepForeignBytes } from "./keep-foreign-bytes.ts";
import { readPlainTexts } from "./read-plain-texts.ts";
import { redirectFunctions } from "./redirect-functions.ts";
import { writePlainTexts } from "./write-plain-texts.ts";

const real = readFileSync(new URL("../../../rego/bundle/policy.wasm", import.meta.url));
const openOwn = runtimeOf(changedBy(real, [keepForeignBytes]));
const openOurs = runtimeOf(redirectFunctions(real, []));
type Open = typeof openOwn;

const LONG = 65_536;

describe("a runtime that is written otherwise keeps its own", () => {
  const names = functionNames(real);

  test.each([
    [aliasTexts, "opa_json_parse_string", "opa_json_parse_string"],
    [aliasTexts, "opa_json_parse_string", "opa_string_allocated"],
    [readPlainTexts, "opa_json_lex_read_string", "opa_json_lex_read_string"],
    [writePlainTexts, "opa_json_writer_emit_string", "opa_json_writer_emit_string"],
  ])("%p: %s, where %s is another", (change, replaced, other) => {
    const functions = functionsOf(readSections(real));
    const [index = -1, otherIndex = -1] = [names.get(replaced), names.get(other)];
    functions.replace(otherIndex, Uint8Array.of(0, 0x41, 0, 0x0b));
    const before = functions.bodyOf(index);
    expect(change(functions, names)).toBe(false);
    expect(functions.bodyOf(index)).toBe(before);
    expect(change(functions, new Map())).toBe(false);
  });
});

/** What may stand between two quotes, or may not. */
const ODD = String.raw`\" \\ \/ \b \f \n \r \t \u0000 \u001f \u0022 \u005C \u00e9 \ud83d\ude00 \ud83d \ude00 \ud83dx \u12 \x`;
const PARTS = [
  ...[...ODD.split(" "), ...'\\"éÿ€😀 !#[]~'].map((text) => Buffer.from(text)),
  ...[0x00, 0x01, 0x09, 0x0a, 0x1f, 0x7f, 0x80, 0x9f, 0xa0, 0xa2, 0xc3, 0xdc, 0xfe, 0xff].map((byte) =>
    Buffer.of(byte),
  ),
];

function* oddStrings(): Generator<Buffer> {
  for (const length of [0, 1, 7, 8, 9, 16, 33]) {
    yield Buffer.alloc(length, "abcdefghijk");
    for (const odd of PARTS) {
      for (const at of new Set([0, length >> 1, Math.max(0, length - 1), length])) {
        yield Buffer.concat([Buffer.alloc(at, "xyz"), odd, Buffer.alloc(length - at, "uvw")]);
      }
    }
  }
}

/** As a key, what is under it and after both; by itself, a text that ends with it; and without an end. */
function textsOf(string: Buffer): readonly Buffer[] {
  const [begin, colon, behind, end] = ['[{"', '":"', '"}, "', '"]'].map((text) => Buffer.from(text));
  if (begin === undefined || colon === undefined || behind === undefined || end === undefined) return [];
  const quote = end.subarray(0, 1);
  return [
    Buffer.concat([begin, string, colon, string, behind, string, end]),
    Buffer.concat([quote, string, quote]),
    Buffer.concat([quote, string]),
  ];
}

/** Says what comes of a text that is read and written again; `atEnd`: of the memory, with nothing behind it. */
function sayingOf(open: Open): (text: Buffer, atEnd?: boolean) => string {
  let runtime = open();
  return (text, atEnd = false) => {
    const { abi, values, bytesAt } = runtime;
    const heap = abi.opa_heap_ptr_get();
    try {
      const address = atEnd ? values.memoryBytes() - text.length : abi.opa_malloc(text.length);
      bytesAt(address).set(text);
      const value = abi.opa_json_parse(address, text.length);
      return value === 0 ? "unreadable" : values.dumpRaw(value);
    } catch (error) {
      // Its stack is not put back.
      runtime = open();
      if (error instanceof Aborted) return `aborted: ${error.message}`;
      throw error;
    } finally {
      abi.opa_heap_ptr_set(heap);
    }
  };
}

describe("odd strings are read and written as by the runtime's own", () => {
  const alone = [aliasTexts, readPlainTexts, writePlainTexts].map((change): readonly [string, Open] => [
    change.name,
    runtimeOf(changedBy(real, [keepForeignBytes, change])),
  ]);

  test.each([...alone, ["all of them", openOurs] as const])("with %s", (_, open) => {
    const [own, ours] = [sayingOf(openOwn), sayingOf(open)];
    const seen = new Set<string | undefined>();
    const different: unknown[] = [];
    for (const text of [...oddStrings()].flatMap(textsOf)) {
      for (const atEnd of [false, true]) {
        const [want, got] = [own(text, atEnd), ours(text, atEnd)];
        seen.add(/^(\[|unreadable|aborted)/.exec(want)?.[0]);
        if (got !== want) different.push({ text: text.toString("latin1"), atEnd, want, got });
      }
    }
    expect(different).toEqual([]);
    expect([...seen]).toEqual(expect.arrayContaining(["[", "unreadable", "aborted"]));
  });

  test("whatever is in them, and however long they are", () => {
    const [own, ours] = [sayingOf(openOwn), sayingOf(openOurs)];
    const same = (value: unknown) => {
      const text = Buffer.from(JSON.stringify(value));
      const got = ours(text);
      expect(got).toBe(own(text));
      return got;
    };
    fc.assert(fc.property(fc.jsonValue(), (value) => void same(value)));
    fc.assert(fc.property(fc.array(fc.string({ unit: "binary", maxLength: 40 })), (strings) => void same(strings)));
    // What is left of the first 1,024 bytes of a result is too little for one of these, and just enough for another.
    for (let length = 1_000; length < 1_030; length += 1) same(["a".repeat(length), "b"]);
    const long = "x".repeat(LONG);
    expect(same(long).length).toBe(LONG + 2);
    for (const end of ["\n", '"', "é", "\u0000", "\ud800"]) same([`${long}${end}`, long]);
    same(Array.from({ length: 3_000 }, (_, at) => `number ${at}${at % 7 === 0 ? "\\" : ""}`));
  });
});

describe("a string that is as it stands is paid for by its length, in less than it was, and stops where the fuel ends", () => {
  test("where it is read", () => {
    const textOf = (length: number) => `${JSON.stringify(["x".repeat(length)])}${" ".repeat(10)}`;
    const paid = (open: Open, length: number) => {
      const { values, fuel } = open();
      const before = fuel.left();
      values.loadJson(textOf(length));
      return before - fuel.left();
    };
    const once = paid(openOurs, LONG);
    expect(once).toBeGreaterThan(LONG / 8);
    expect(once).toBeLessThan(paid(openOwn, LONG) / 2);
    expect(paid(openOurs, 2 * LONG) / once).toBeGreaterThan(1.9);
    const { values, fuel } = openOurs();
    fuel.fill(1_000);
    expect(() => values.loadJson(textOf(LONG))).toThrow(WebAssembly.RuntimeError);
    expect(fuel.left()).toBeLessThan(0);
  });

  test("where it is written", () => {
    const COUNT = 200;
    const strings = (open: Open, length: number) => {
      const opened = open();
      return { ...opened, value: opened.values.loadJson(JSON.stringify(Array(COUNT).fill("x".repeat(length)))) };
    };
    const paid = (open: Open, length: number) => {
      const { values, fuel, value } = strings(open, length);
      const before = fuel.left();
      expect(values.dumpRaw(value).length).toBe(COUNT * (length + 4));
      return before - fuel.left();
    };
    expect(paid(openOurs, 400) - paid(openOurs, 200)).toBeGreaterThan((COUNT * 200) / 8);
    expect(paid(openOurs, 400)).toBeLessThan(paid(openOwn, 400) / 2);
    const { values, fuel, value } = strings(openOurs, 400);
    fuel.fill(1_000);
    expect(() => values.dumpRaw(value)).toThrow(WebAssembly.RuntimeError);
    expect(fuel.left()).toBeLessThan(0);
  });
});
