import { expect, test } from "@jest/globals";
import { compatSelfTestOf } from "./compat-self-test.ts";
import { differenceText, selfTestOf } from "./self-test.ts";

const INPUT = '{"amount":9007199254740993,"rate":1.10,"__proto__":{"x":1e400}}';
const bundle = (entrypoint: string) =>
  new Map([
    [
      "self-test.json",
      Buffer.from(
        `{"cases": [{"name": "a", ${entrypoint} "time": "2026-11-24T10:00:00Z", "input": ${INPUT}, "expect": {"x": true}}]}`,
      ),
    ],
  ]);

test("a case asks with the input as it is written, to the last digit, in both modes", () => {
  expect(selfTestOf(bundle('"entrypoint": "decide",')).map(({ inputJson }) => inputJson)).toEqual([INPUT]);
  expect(compatSelfTestOf(bundle("")).map(({ inputJson }) => inputJson)).toEqual([INPUT]);
});

test("a case that fails says what came in place of what it expects, and which rules said so", () => {
  const got = { outcome: "allow", reasons: ["orders_read"], elevations: [] };
  expect(differenceText(got, { outcome: "no_rule_matched" })).toBe(
    'outcome is "allow" and not "no_rule_matched"; reasons ["orders_read"]',
  );
  expect(differenceText(got, { outcome: "allow", reasons: [], other: 1 })).toBe(
    'reasons is ["orders_read"] and not []; other is undefined and not 1',
  );
  expect(differenceText(undefined, { outcome: "allow" })).toBe("it is undefined");
  expect(differenceText({ reasons: ["x".repeat(1_000)] }, { reasons: [] }).length).toBeLessThan(300);
});
