import { expect, test } from "@jest/globals";
import { holdsReads, inputReadsOf, onlyRead } from "./input-reads.ts";

const VALUE = { a: { b: { c: 1, d: [{ e: 2 }] }, f: 3 }, g: null };

test.each<[string, readonly (readonly string[])[], unknown]>([
  ["nothing", [], {}],
  ["what is not there", [["x"], ["a", "x"], ["g", "x"]], { a: {}, g: null }],
  ["a member", [["g"]], { g: null }],
  [
    "what stands deep",
    [
      ["a", "b", "c"],
      ["a", "f"],
    ],
    { a: { b: { c: 1 }, f: 3 } },
  ],
  [
    "a member and a part of it",
    [
      ["a", "b"],
      ["a", "b", "c"],
    ],
    { a: { b: VALUE.a.b } },
  ],
  ["below what is a list", [["a", "b", "d", "e"]], { a: { b: { d: [{ e: 2 }] } } }],
  ["names of every object", [["constructor"], ["a", "toString"]], { a: {} }],
  ["a name that is none like the others", [["a", "__proto__"]], { a: VALUE.a }],
])("%s", (_what, paths, read) => {
  expect(onlyRead(VALUE, inputReadsOf(paths))).toEqual(read);
});

test("what is written for one policy holds what another reads, or does not", () => {
  const written = inputReadsOf([["a", "b"], ["g"]]);
  for (const paths of [[], [["g"]], [["g", "x"]], [["a", "b"]], [["a", "b", "c"], ["g"]]])
    expect(holdsReads(written, inputReadsOf(paths))).toBe(true);
  for (const paths of [[["a"]], [["x"]], [["a", "f"]]]) expect(holdsReads(written, inputReadsOf(paths))).toBe(false);
  expect(holdsReads(written, undefined)).toBe(false);
  expect(holdsReads(undefined, written)).toBe(true);
});
