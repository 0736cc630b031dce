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

describe("what would make far more than it is given ends before it is made", () => {
  const inArrays = (depth: number, inner: string): unknown =>
    JSON.parse(`${"[".repeat(depth)}${inner}${"]".repeat(depth)}`);
  const template = "$0".repeat(17_000);
  test.each<readonly [string, string, readonly unknown[]]>([
    ["collections in YAML", "yaml.marshal", [inArrays(201, "1")]],
    ["a long line that is broken", "yaml.marshal", [inArrays(150, `"${"a ".repeat(5_000)}"`)]],
    ["a text of many lines", "yaml.marshal", [inArrays(150, `"a${String.raw`\na`.repeat(5_000)}"`)]],
    ["blanks", "json.marshal_with_options", [inArrays(900, `${"1,".repeat(900)}1`), { indent: "  " }]],
    ["a long indent", "json.marshal_with_options", [[[1]], { indent: "a".repeat(600_000) }]],
    ["a long indent, very deep", "json.marshal_with_options", [inArrays(1_900, "1"), { indent: "a".repeat(600_000) }]],
    ["one match, shown many times", "regex.replace", ["a".repeat(32_000), "a+", template]],
  ])("%s: %s", (_, name, args) => {
    expect(callBuiltin(name, ...args)).toBe("limit");
  });

  test("and what makes less is made", () => {
    expect(callBuiltin("yaml.marshal", inArrays(200, "1"))).toBe(JSON.stringify(`${"- ".repeat(200)}1\n`));
    expect(callBuiltin("json.marshal_with_options", [[1]], { prefix: ">", indent: " " })).toBe(
      JSON.stringify(">[\n> [\n>  1\n> ]\n>]"),
    );
    const twice = callBuiltin("regex.replace", "xaay", "(?P<as>a+)|y", "<$0${as}$9$$$0$other>");
    expect(twice).toBe('"x<aaaa$aa><y$y>"');
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
