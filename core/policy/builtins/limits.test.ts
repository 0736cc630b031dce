/** Where we stop and OPA would go on, nothing is answered: a fault would leave a denial undefined. */
import { describe, expect, test } from "@jest/globals";
import { callBuiltin } from "../../../test/harness/run-builtin.ts";

describe("JSON that is nested deeper than we read, and OPA would, is never answered as no JSON", () => {
  const deep = `${"[".repeat(2_001)}${"]".repeat(2_001)}`;
  const section = Buffer.from(deep).toString("base64url");
  test.each([
    ["json.match_schema", [deep, "{}"]],
    ["json.match_schema", ["{}", deep]],
    ["json.verify_schema", [deep]],
    ["io.jwt.decode", [`${section}.${section}.`]],
    ["io.jwt.verify_es256", ["e30.e30.e30", deep]],
  ])("%s", (name, args) => {
    expect(callBuiltin(name, ...args)).toBe("limit");
  });
});

describe("YAML that is nested deeper than we read, and OPA would, is never answered as no YAML", () => {
  test.each([
    `${"[".repeat(1_200)}${"]".repeat(1_200)}`,
    `${"{a: ".repeat(1_200)}1${"}".repeat(1_200)}`,
    `${"- ".repeat(1_200)}x`,
  ])("%.8s…", (deep) => {
    expect(callBuiltin("yaml.is_valid", deep)).toBe("limit");
    expect(callBuiltin("yaml.unmarshal", deep)).toBe("limit");
  });
});

describe("a limit of ours is never told as a fault of what was given", () => {
  test.each([
    ["units.parse", ["1e401"]],
    ["units.parse_bytes", ["1e-401"]],
    ["json.match_schema", [{ a: 1 }, `{"allOf": [${'{"not": '.repeat(300)}{}${"}".repeat(300)}]}`]],
    ["json.verify_schema", [`${'{"not": '.repeat(300)}{}${"}".repeat(300)}`]],
    ["json.match_schema", ['{"a": 1e2000}', { properties: { a: { multipleOf: 0.01 } } }]],
  ])("%s of %j", (name, args) => {
    expect(callBuiltin(name, ...args)).toBe("limit");
  });

  test.each([
    ["1e-2000", 0.01, "[false"],
    ["0", 0.01, "[true,"],
    ["0.30", 0.1, "[true,"],
    ["5", 10, "[false"],
  ])("%s is told to be a multiple of %d, or not: %s", (number, multipleOf, answer) => {
    const said = callBuiltin("json.match_schema", `{"a": ${number}}`, { properties: { a: { multipleOf } } });
    expect(said.slice(0, 6)).toBe(answer);
  });
});
