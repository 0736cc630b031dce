import { expect, test } from "@jest/globals";
import { readCountedBy } from "./read-counted-by.ts";

test("each event with its counter, none where nothing is said, and an error where it is computed", () => {
  const read = (text: string) => readCountedBy("a.ts", text);
  expect(read('export const COUNTED_BY: CountedBy = new Map([\n  ["a", "a_total"],\n  ["b", "b_total"],\n]);')).toEqual(
    [
      ["a", "a_total"],
      ["b", "b_total"],
    ],
  );
  expect(read("countEvents(metrics, COUNTED_BY);")).toEqual([]);
  expect(() => read('const COUNTED_BY = new Map([["a", TOTAL]]);')).toThrow("a.ts: COUNTED_BY is no map of literals");
});
