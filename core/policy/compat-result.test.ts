import { describe, expect, test } from "@jest/globals";
import { compatResult } from "./compat-result.ts";
import { parseValue } from "./rego-value/parse.ts";

const resultOf = (rego: string) => compatResult(parseValue(rego, "rego"));

describe("neither yes nor no", () => {
  test("an undefined policy is a fault and not a no", () => {
    expect(compatResult(undefined)).toMatchObject({ kind: "fault", message: "undefined decision" });
  });

  test.each([
    ["null", "illegal value for policy evaluation result: <nil>"],
    ['"true"', "illegal value for policy evaluation result: string"],
    ["1", "illegal value for policy evaluation result: json.Number"],
    ["[true]", "illegal value for policy evaluation result: []interface {}"],
    ["{true}", "illegal value for policy evaluation result: []interface {}"],
    ["{}", 'missing "allowed" key'],
    ['{"allow": true}', 'missing "allowed" key'],
    ['{"allowed": "true"}', "expected allowed to be of type 'boolean' but got 'string'"],
    ['{"allowed": null}', "expected allowed to be of type 'boolean' but got '<nil>'"],
    ['{"allowed": true, "headers": 1}', "failed to get response headers: type assertion error, expected headers"],
    ['{"allowed": true, "headers": {"a": 1}}', "type assertion error for header 'a'"],
    ['{"allowed": true, "headers": {"a": [1]}}', "invalid value type json.Number for header 'a'"],
    ['{"allowed": true, "dynamic_metadata": []}', "expected dynamic_metadata to be of type 'object'"],
    ['{"allowed": true, "dynamic_metadata": {"n": 1e400}}', "value out of range"],
    [
      '{"allowed": true, "request_headers_to_remove": "a"}',
      "expected request_headers_to_remove to be of type '[]string'",
    ],
    ['{"allowed": true, "query_parameters_to_set": []}', "expected query_parameters_to_set to be a map"],
    ['{"allowed": false, "body": 1}', "expected body to be of type 'string' but got 'json.Number'"],
    ['{"allowed": false, "http_status": "403"}', "expected http_status to be of type 'number'"],
    ['{"allowed": false, "http_status": 403.0}', 'parsing "403.0": invalid syntax'],
    ['{"allowed": false, "http_status": 18446744073709552019}', "value out of range"],
    ['{"allowed": false, "http_status": 418}', "invalid HTTP status code 418"],
    ['{"allowed": false, "http_status": 0}', "invalid HTTP status code 0"],
  ])("%s is a fault in the plugin's words", (rego, message) => {
    const result = resultOf(rego);
    expect(result).toMatchObject({ kind: "fault", echoes: false });
    expect(result.kind === "fault" && result.message).toContain(message);
  });

  test.each([
    ["a line break in a header", { headers: { a: "x\\r\\ny: z" } }],
    ["NUL in a header name", { headers: { "a\\u0000": "x" } }],
    ["a line break in a query value", { query_parameters_to_set: { a: "\\n" } }],
    ["a line break in a name to remove", { request_headers_to_remove: ["a\\nb"] }],
  ])("%s is a fault that stays closed whatever is configured", (_name, fields) => {
    const rego = JSON.stringify({ allowed: true, ...fields }).replaceAll("\\\\", "\\");
    expect(resultOf(rego)).toMatchObject({ kind: "fault", echoes: true });
  });

  test("text that is not UTF-8 is such a fault too", () => {
    const result = compatResult(parseValue('{"allowed": false, "body": "\udcff"}', "rego"));
    expect(result).toMatchObject({ kind: "fault", echoes: true });
  });

  test("of two faults the one that the plugin looks at first is named", () => {
    const first = resultOf('{"allowed": true, "headers": 1, "dynamic_metadata": 1, "request_headers_to_remove": 1}');
    expect(first.kind === "fault" && first.message).toContain("response headers");
  });
});

describe("no", () => {
  test("a boolean has no HTTP part", () => {
    expect(resultOf("false")).toEqual({ kind: "deny", metadata: {}, fields: undefined });
  });

  test("an object has one: 403 unless it says otherwise; faults of fields of a yes are not looked at", () => {
    const result = resultOf(
      '{"allowed": false, "request_headers_to_remove": 1, "headers": [{"b": "2"}, {"a": ["1", "3"]}]}',
    );
    const headers = [
      ["b", "2"],
      ["a", "1"],
      ["a", "3"],
    ];
    expect(result).toMatchObject({ kind: "deny", fields: { httpStatus: 403, body: "", headers } });
  });
});

describe("yes", () => {
  test("only by true", () => {
    expect(resultOf("true")).toEqual({ kind: "allow", metadata: {}, fields: undefined });
  });

  test("every field of a yes; sets are lists, keys that are no text are their JSON, __proto__ is a key", () => {
    const result = resultOf(
      '{"allowed": true, "headers": {1: "x", "__proto__": "p"}, "request_headers_to_remove": {"b", "a"}, ' +
        '"response_headers_to_add": {"r": "1"}, "query_parameters_to_set": {"q": ["1", "2"]}, ' +
        '"query_parameters_to_remove": ["z"], "dynamic_metadata": {"__proto__": {"a": 9007199254740993}}, "body": 5}',
    );
    expect(result).toMatchObject({
      kind: "allow",
      fields: {
        headers: [
          ["1", "x"],
          ["__proto__", "p"],
        ],
        requestHeadersToRemove: ["a", "b"],
        responseHeadersToAdd: [["r", "1"]],
        queryParametersToSet: [
          ["q", "1"],
          ["q", "2"],
        ],
        queryParametersToRemove: ["z"],
      },
    });
    expect(result.kind === "allow" && JSON.stringify(result.metadata)).toBe('{"__proto__":{"a":9007199254740992}}');
  });
});
