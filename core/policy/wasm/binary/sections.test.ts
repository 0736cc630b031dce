import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { handMade, TYPE } from "../../../../test/harness/wasm-module.ts";
import { readExports, withExport } from "./exports.ts";
import { withMutableGlobal } from "./globals.ts";
import { readImports } from "./imports.ts";
import { BinaryFault } from "./leb128.ts";
import { readFunctionNames } from "./names.ts";
import { readSections, SECTION, type Section, withSection, writeSections } from "./sections.ts";

const real = readFileSync(new URL("../../../../rego/bundle/policy.wasm", import.meta.url));
const EMPTY = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const module = (...bytes: readonly number[]) => Uint8Array.from([...EMPTY, ...bytes]);
const of = (id: Section["id"], ...content: readonly number[]): readonly Section[] => [
  { id, content: Uint8Array.from(content) },
];

describe("refused", () => {
  test.each<readonly [string, Uint8Array]>([
    ["another version", Uint8Array.from([...EMPTY.slice(0, 4), 2, 0, 0, 0])],
    ["a component", Uint8Array.from([...EMPTY.slice(0, 4), 13, 0, 1, 0])],
    ["an unknown section", module(13, 0)],
    ["a section twice", module(1, 1, 0, 1, 1, 0)],
    ["sections out of order", module(3, 1, 0, 1, 1, 0)],
    ["the count of data after the code", module(10, 1, 0, 12, 1, 0)],
    ["a section that is cut off", module(1, 5, 0)],
  ])("%s", (_, bytes) => {
    expect(() => readSections(bytes)).toThrow(BinaryFault);
  });

  test.each<readonly [string, readonly number[]]>([
    ["a kind that does not exist", [1, 1, 0x61, 1, 0x62, 4, 0]],
    ["a shared memory", [1, 1, 0x61, 1, 0x62, 2, 3, 1, 1]],
    ["a memory of 64 bits", [1, 1, 0x61, 1, 0x62, 2, 4, 1]],
    ["a name that is not UTF-8", [1, 1, 0xff, 1, 0x62, 0, 0]],
    ["bytes that are left over", [0, 0]],
    ["more imports than there are", [2, 1, 0x61, 1, 0x62, 0, 0]],
  ])("imports with %s", (_, content) => {
    expect(() => readImports(of(SECTION.import, ...content))).toThrow(BinaryFault);
  });

  test("an export whose name is taken, and a global beside an imported one", () => {
    const added = { name: "f", kind: "global", index: 0 } as const;
    expect(() => withExport(of(SECTION.export, 1, 1, 0x66, 0, 0), added)).toThrow(BinaryFault);
    expect(() => withMutableGlobal(of(SECTION.import, 1, 1, 0x61, 1, 0x62, 3, 0x7f, 0), 0)).toThrow(BinaryFault);
  });
});

test("a real module is written back as it was read", () => {
  expect(Buffer.compare(writeSections(readSections(real)), real)).toBe(0);
});

test("imports of all kinds are read in order", () => {
  const imports = [
    ["env", "f", [0, 0]],
    ["env", "table", [1, 0x70, 1, 1, 2]],
    ["env", "memory", [2, 0, 1]],
    ["env", "global", [3, TYPE.i32, 0]],
    ["env", "g", [0, 0]],
  ] as const;
  const wasm = handMade({ types: [[[], []]], imports, functions: [] });
  expect(WebAssembly.validate(wasm)).toBe(true);
  expect(readImports(readSections(wasm)).map(({ name, kind }) => [name, kind])).toEqual([
    ["f", "function"],
    ["table", "table"],
    ["memory", "memory"],
    ["global", "global"],
    ["g", "function"],
  ]);
});

test("names of functions are found among other names and sections", () => {
  const wasm = handMade({ types: [[[], []]], functions: [[0, [0, 0x0b]]], names: [[0, "g0.data.x"]] });
  expect([...readFunctionNames(readSections(wasm))]).toEqual([[0, "g0.data.x"]]);
  expect(readFunctionNames(readSections(real)).size).toBeGreaterThan(500);
  expect(readFunctionNames(readSections(module()))).toEqual(new Map());
});

test("an export and a global are added where none were, at their place", () => {
  const wasm = handMade({ types: [[[], []]], functions: [[0, [0, 0x0b]]] });
  const { sections, index } = withMutableGlobal(readSections(wasm), -5);
  const written = writeSections(withExport(sections, { name: "a", kind: "global", index }));
  expect(WebAssembly.validate(written)).toBe(true);
  expect(readExports(readSections(written))).toEqual([{ name: "a", kind: "global", index: 0 }]);
  const again = withMutableGlobal(readSections(written), 1);
  expect(again.index).toBe(1);
});

test("a section is replaced where it stands", () => {
  const sections = readSections(real);
  const replaced = withSection(sections, { id: SECTION.start, content: Uint8Array.of(1) });
  expect(replaced.map(({ id }) => id)).toEqual(sections.map(({ id }) => id));
});
