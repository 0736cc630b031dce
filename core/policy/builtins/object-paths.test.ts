/** What `json.filter` and `json.remove` pay for the tree of their paths: for each node that is copied, wherever it stands. */
import { expect, test } from "@jest/globals";
import { builtinCall } from "../../../test/harness/run-builtin.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";
import { OBJECT_PATHS } from "./object-paths.ts";

function paid(name: string, paths: readonly RegoValue[]): number {
  let sum = 0;
  const builtin = OBJECT_PATHS.get(name);
  if (builtin === undefined) throw new Error(`no ${name}`);
  const pay = (units: number) => {
    sum += units;
  };
  builtin([new RegoObject([]), paths], { ...builtinCall, pay });
  return sum;
}

const wide = (count: number) => Array.from({ length: count }, (_, at) => `a/${at}`);
const deep = (parts: number) => [Array.from({ length: parts }, () => "a").join("/")];

test.each(["json.filter", "json.remove"])(
  "%s pays for the copies below the top as it does for those at the top",
  (name) => {
    expect(paid(name, wide(400)) / paid(name, wide(200))).toBeGreaterThan(2.5);
    expect(paid(name, deep(2_000)) / paid(name, deep(1_000))).toBeCloseTo(2, 1);
  },
);

test("a path of tens of thousands of parts needs no stack", () => {
  expect(paid("json.filter", deep(30_000))).toBeGreaterThan(0);
});
