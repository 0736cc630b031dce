import { describe, expect, test } from "@jest/globals";
import { builtinCall } from "../../test/harness/run-builtin.ts";
import { BuiltinError } from "./builtin.ts";
import { OPA_ANSWERS, OPA_ANSWERS_BY_ID, OPA_REDIRECTIONS } from "./opa-answers.ts";
import { parseValue } from "./rego-value/parse.ts";
import { writeRego } from "./rego-value/write.ts";

function run(name: string, ...args: readonly string[]): string {
  const values = args.map((text) => parseValue(text, "rego"));
  return writeRego(OPA_ANSWERS.get(name)?.(values, builtinCall) ?? null);
}

test("every function that is redirected has an answer, and a number of its own", () => {
  for (const { builtinId } of OPA_REDIRECTIONS) {
    expect(OPA_ANSWERS.has(OPA_ANSWERS_BY_ID.get(builtinId) ?? "")).toBe(true);
  }
  expect(OPA_ANSWERS_BY_ID.size).toBe(OPA_REDIRECTIONS.length);
});

describe("refused as OPA refuses it", () => {
  test.each([
    ["base64.decode", ['"aG k="']],
    ["base64url.decode", ['"aGk=\\n"']],
    ["to_number", ['"1e400"']],
    ["to_number", ['"inf"']],
    ["to_number", ['"."']],
    ["to_number", ['"0x10"']],
    ["format_int", ["1", "7"]],
    ["json.marshal", ["[5.e0]"]],
    ["net.cidr_contains", ['"10.0.0.1"', '"10.0.0.1"']],
    ["regex.match", ['"("', '"x"']],
    ["regex.match", ["1", '"x"']],
    ["concat", ['","', '["a", 1]']],
    ["concat", ['","', '"a"']],
    ["glob.match", ['"[a"', "null", '"a"']],
    ["glob.match", ['"[b-a]"', "null", '"a"']],
    ["glob.match", ['"a"', '["/."]', '"a"']],
    ["glob.match", ['"a"', '"/"', '"a"']],
    ["indexof", ['"read"', '""']],
    ["json.unmarshal", ['""']],
    ["json.unmarshal", ['"10Ki"']],
    ["json.unmarshal", ['"[1]]"']],
    ["json.unmarshal", ['"1,"']],
    ["json.unmarshal", [String.raw`"{\"role\":\"admin\"}{\"role\":\"user\"}"`]],
    ["json.unmarshal", ["1"]],
    ["bits.lsh", ["1", "-1"]],
    ["bits.or", ["1.5", "1"]],
    ["internal.template_string", ["[{1, 2}]"]],
    ["json.filter", ['{"a": 1}', "[1]"]],
    ["json.remove", ['{"a": 1}', '"a"']],
    ["object.union_n", ['{{"a": 1}}']],
    ["object.union_n", ['{"a": {"b": 1}}']],
    ["replace", ['"a"', "1", '"b"']],
    ["strings.replace_n", ['{"a": 1}', '"a"']],
    ["strings.replace_n", ['{1: "a"}', '"a"']],
  ])("%s of %j", (name, args) => {
    expect(() => run(name, ...args)).toThrow(BuiltinError);
  });
});

describe("answered as OPA answers it", () => {
  test.each([
    ["base64.is_valid", ['"aG k="'], "false"],
    ["base64.is_valid", ["1"], "false"],
    ["base64.decode", ['"aGk=\\r\\n"'], '"hi"'],
    ["base64.decode", ['"/w=="'], '"\udcff"'],
    ["concat", ['","', '{"staff", "admin", "ops", "dev"}'], '"admin,dev,ops,staff"'],
    ["concat", ['","', '["staff", "admin"]'], '"staff,admin"'],
    ["count", ['"a\udcff\udcfe😀"'], "4"],
    ["format_int", ["4.1024448e+09", "10"], '"4102444800"'],
    ["format_int", ["-17.9", "16"], '"-11"'],
    ["format_int", ["18446744073709551617", "10"], '"18446744073709551617"'],
    ["json.marshal", ['{"b": "<\udcff�", "a": 1.0}'], String.raw`"{\"a\":1.0,\"b\":\"\\u003c\\ufffd�\"}"`],
    ["net.cidr_contains", ['"::ffff:10.0.0.0/104"', '"10.1.2.3"'], "true"],
    ["net.cidr_contains", ['"10.0.0.0/8"', '"10.0.0.0/7"'], "false"],
    ["net.cidr_intersects", ['"10.0.0.0/8"', '"10.1.0.0/16"'], "true"],
    ["net.cidr_intersects", ['"10.0.0.0/8"', '"11.0.0.0/8"'], "false"],
    ["regex.is_valid", ['"("'], "false"],
    ["regex.is_valid", ["1"], "false"],
    ["regex.is_valid", ['"(?<id>a)"'], "true"],
    ["regex.match", ['"^/admin/(?<id>[0-9]+)$"', '"/admin/7"'], "true"],
    ["regex.match", [String.raw`"^acme\u0000$"`, '"acme-prod"'], "false"],
    ["regex.match", [String.raw`"^[\\p{L} ]{1,100}$"`, '"Zoë Œuvre"'], "true"],
    ["glob.match", ['"internal/**/keys"', '["/"]', '"internal/keys"'], "true"],
    ["glob.match", ['"internal/*/keys"', '["/"]', '"internal/a/b/keys"'], "false"],
    ["glob.match", ['"internal/**/keys"', '["/"]', '"internal/a/b/keys"'], "true"],
    ["glob.match", ['"a*"', "[]", '"a.b"'], "false"],
    ["glob.match", ['"a*"', "null", '"a.b"'], "true"],
    ["glob.match", ['"{a,b/**}"', '["/"]', '"b/c/d"'], "true"],
    ["glob.match", ['"?[!a]"', '["/"]', '"b/"'], "true"],
    ["glob.match", ['"?[!a]"', '["/"]', '"/b"'], "false"],
    ["indexof", ['"a😀b"', '"b"'], "2"],
    ["indexof", ['""', '"a"'], "-1"],
    ["json.is_valid", ['"truex"'], "false"],
    ["json.is_valid", ['"1 null"'], "false"],
    ["json.is_valid", [String.raw`"\"\\ud800\""`], "true"],
    ["json.is_valid", ["1"], "false"],
    ["json.unmarshal", ['" [1.0] "'], "[1.0]"],
    ["json.unmarshal", ['"1 nullx"'], "1"],
    ["json.unmarshal", [String.raw`"\"\\ud800\""`], '"\ufffd"'],
    ["json.unmarshal", ['"\\"\udcff\\""'], '"\ufffd"'],
    ["replace", ['"abc"', '""', '"x"'], '"xaxbxcx"'],
    ["replace", ['""', '""', '"x"'], '"x"'],
    ["replace", ['"é"', '""', '"x"'], '"x\udcc3x\udca9x"'],
    ["replace", ['"aaa"', '"aa"', '"b"'], '"ba"'],
    ["strings.replace_n", ['{"a": "b", "ab": "c"}', '"ab"'], '"bb"'],
    ["strings.replace_n", ['{"": "x", "a": "b"}', '"aca"'], '"xbxcxbx"'],
    ["strings.replace_n", ["{}", '"abcb"'], '"abcb"'],
    ["bits.and", ["-0", "1e1"], "0"],
    ["bits.lsh", ["10e-1", "2.0"], "4"],
    ["bits.rsh", ["16", "4294967296"], "0"],
    ["bits.rsh", ["-1", "18446744073709551615"], "-1"],
    ["bits.rsh", ["2", "18446744073709551616"], "2"],
    ["bits.negate", ["1.0"], "-2"],
    [
      "internal.template_string",
      ['["a ", {{"b": 1, "a": 2}}, " ", set()]'],
      String.raw`"a {\"a\": 2, \"b\": 1} <undefined>"`,
    ],
    ["json.filter", ['{"a": {"b": 1, "c": 2}, "d": 3}', '["", [], "a/b"]'], '{"a": {"b": 1}}'],
    ["json.filter", ['{"a/b": [1, 2], "c": {"d"}}', '["a~1b/1", ["c", "d"]]'], '{"a/b": [2], "c": {"d"}}'],
    ["json.remove", ['{"a": [1, 2, 3], "b": 1}', '["", "a/1"]'], '{"a": [1, 3], "b": 1}'],
    ["json.remove", ['{"a": {"b": 1}}', '["a/b", "a"]'], "{}"],
    ["net.cidr_contains", ['"10.0.0.0/8"', '"::10.0.0.1"'], "false"],
    ["net.cidr_contains", ['"::/96"', '"::10.0.0.1"'], "true"],
    ["object.union_n", ["[]"], "{}"],
    ["object.union_n", ['[{"a": {"b": 1}}, {"a": 1}, {"a": {"c": 2}}]'], '{"a": {"c": 2}}'],
    ["object.union_n", ['[{"a": {"b": 1}}, {"a": {"c": 2}}]'], '{"a": {"b": 1, "c": 2}}'],
    ["to_number", ['"007"'], "7.e0"],
    ["to_number", ['"+5"'], "5.e0"],
    ["to_number", ['"-.5"'], "-5.e-1"],
    ["plus", ["7.e0", "-5.e-1"], "6.5"],
  ])("%s of %j is %s", (name, args, want) => {
    expect(run(name, ...args)).toBe(want);
  });
});
