import { describe, expect, test } from "@jest/globals";
import { builtinCall, runBuiltin } from "../../test/harness/run-builtin.ts";
import { BUILTINS } from "./builtins/registry.ts";
import { nativeBuiltins } from "./native-builtins.ts";

const native = nativeBuiltins(BUILTINS);

describe("natively an argument of the wrong type is a failure, where OPA has an answer", () => {
  test.each([
    ['[["10.0.0.0/8"], 5]', "set()"],
    ['[["10.0.0.0/8"], true]', "set()"],
    ['[["10.0.0.0/8"], null]', "set()"],
    ['[null, "10.0.0.1"]', "set()"],
    ['[8, "10.0.0.1"]', "set()"],
    ["[[], null]", "set()"],
  ])("net.cidr_contains_matches %s", (args, opa) => {
    expect(runBuiltin("net.cidr_contains_matches", args, builtinCall, native)).toBe("error");
    expect(runBuiltin("net.cidr_contains_matches", args)).toBe(opa);
  });

  test.each([
    ['["10.0.0.0/8", "10.0.0.1"]', '{["10.0.0.0/8", "10.0.0.1"]}'],
    ['[{"10.0.0.0/8"}, {"a": "10.0.0.1"}]', '{["10.0.0.0/8", "a"]}'],
    ['[[], {"10.0.0.1"}]', "set()"],
  ])("but not one of another that it takes: %s", (args, answer) => {
    expect(runBuiltin("net.cidr_contains_matches", args, builtinCall, native)).toBe(answer);
  });
});

test.each([
  ['[["legal", "legal"], {"legal", "finance"}]', "false", "true"],
  ['[["legal", "legal", "sales"], {"legal", "finance"}]', "false", "true"],
  ["[[], set()]", "true", "false"],
  ['[["legal", "sales", "legal", "finance"], {"legal", "finance"}]', "true", "true"],
  ['[["legal"], {"legal", "finance"}]', "false", "false"],
  ['[{"legal"}, ["legal"]]', "error", "error"],
])("natively what stands twice in an array counts once: object.subset %s", (args, answer, opa) => {
  expect(runBuiltin("object.subset", args, builtinCall, native)).toBe(answer);
  expect(runBuiltin("object.subset", args)).toBe(opa);
});
