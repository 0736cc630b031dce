import { expect, test } from "@jest/globals";
import { equalRego, regoSet } from "./order.ts";
import { parseValue } from "./parse.ts";
import { RegoNumber } from "./value.ts";
import { writeRego } from "./write.ts";

test("texts are in the order of their code points, wherever a pair differs from another and whatever stands alone", () => {
  // U+DC80 and U+DCFF stand for bytes that are not UTF-8; U+D83D alone is half of what begins as the emoji do.
  const inOrder = [
    "",
    "a",
    "a\u00e9",
    "a\ud83d",
    "a\ud83dz",
    "a\udc80",
    "a\udcff",
    "a\ue000",
    "a\uffff",
    "a😀",
    "a😀z",
    "a😁",
    "b",
  ];
  for (let turn = 0; turn < inOrder.length; turn++) {
    const turned = [...inOrder.slice(turn), ...inOrder.slice(0, turn)];
    expect(regoSet(turned).items).toEqual(inOrder);
    expect(regoSet(turned.toReversed()).items).toEqual(inOrder);
  }
});

test("numbers are in order, and once, however they are written", () => {
  const inOrder = [
    "-1e30",
    "-12345678901234567",
    "-1.5",
    "0",
    "1e-20",
    "0.1",
    "0.12",
    "1",
    "12.5",
    "123456789012345.5",
    "123456789012345.6",
  ].concat(["9007199254740993", "12345678901234567", "12345678901234568", "1e30"]);
  const again = ["0.0", "-0", "1.0", "100e-2", "12.50", "0.10", "12345678901234567.0", "10e29"];
  const numbers = [...again, ...inOrder.toReversed()].map((text) => new RegoNumber(text));
  const { items } = regoSet(numbers);
  expect(items).toHaveLength(inOrder.length);
  for (const [at, text] of inOrder.entries()) expect(equalRego(items[at] ?? null, new RegoNumber(text))).toBe(true);
});

test("objects are in the order of their keys, then of their number, then of their values", () => {
  const set = parseValue('{{"b": 1}, {"a": 2, "b": 0}, {"a": 1, "c": 0}, {"a": 3}, {"a": 1}, {"a": 1.0}}', "rego");
  expect(writeRego(set)).toBe('{{"a": 1}, {"a": 3}, {"a": 2, "b": 0}, {"a": 1, "c": 0}, {"b": 1}}');
});
