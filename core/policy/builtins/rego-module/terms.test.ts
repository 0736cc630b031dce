import { describe, expect, test } from "@jest/globals";
import { body, call, number, parseModule, ref, text, TRUE, variable } from "../../../../test/harness/rego-tree.ts";

const read = (source: string): unknown => JSON.parse(parseModule(source));

/** The value of a rule that is written so. */
const valueOf = (written: string): unknown => {
  const module = read(`package a\np := ${written}`);
  expect(module).toMatchObject({ rules: [{ head: { name: "p", assign: true }, body: body(TRUE) }] });
  return Object(module).rules[0].head.value;
};
/** The terms of the only expression of a body. */
const termsOf = (written: string, imports = ""): unknown =>
  Object(read(`package a\n${imports}\np if ${written}`)).rules[0].body[0].terms;

describe("terms", () => {
  test.each<readonly [string, unknown]>([
    ["null", { type: "null", value: {} }],
    ["false", { type: "boolean", value: false }],
    ['"a\\u0041\\n"', text("aA\n")],
    ["`a\\n`", text("a\\n")],
    ["input", ref("input")],
    ["x.y", ref("x", "y")],
    ["x.if.not", ref("x", "if", "not")],
    ["[1, x]", { type: "array", value: [number(1), variable("x")] }],
    ["{}", { type: "object", value: [] }],
    ["set()", { type: "set", value: [] }],
    ['{x, "a", 2, 1.0, 1}', { type: "set", value: [number(1), number(2), text("a"), variable("x")] }],
    [
      '{"b": 1, "a": x}',
      {
        type: "object",
        value: [
          [text("a"), variable("x")],
          [text("b"), number(1)],
        ],
      },
    ],
    [
      "[x | y; z]",
      { type: "arraycomprehension", value: { term: variable("x"), body: body(variable("y"), variable("z")) } },
    ],
    ["{x | y}", { type: "setcomprehension", value: { term: variable("x"), body: body(variable("y")) } }],
    [
      "{x: y | z}",
      { type: "objectcomprehension", value: { key: variable("x"), value: variable("y"), body: body(variable("z")) } },
    ],
    ["{(x | y)}", { type: "set", value: [call(ref("or"), variable("x"), variable("y"))] }],
    ["f(1)", call(ref("f"), number(1))],
    ["f(1).x", { type: "ref", value: [call(ref("f"), number(1)), text("x")] }],
    ["x - 1 - 2", call(ref("minus"), call(ref("minus"), variable("x"), number(1)), number(2))],
    ["1 + 2 * x", call(ref("plus"), number(1), call(ref("mul"), number(2), variable("x")))],
    ["-x", call(ref("minus"), number(0), variable("x"))],
    ["x in y", call(ref("internal", "member_2"), variable("x"), variable("y"))],
    ["(x, y in z)", call(ref("internal", "member_3"), variable("x"), variable("y"), variable("z"))],
    [
      '$"a{x}{1}"',
      { type: "templatestring", value: { multi_line: false, parts: [text("a"), ...body(variable("x")), number(1)] } },
    ],
    ["$`{x}\\{`", { type: "templatestring", value: { multi_line: true, parts: [...body(variable("x")), text("{")] } }],
  ])("%s", (written, value) => {
    expect(valueOf(written)).toEqual(value);
  });

  test("a number keeps its digits", () => {
    for (const digits of ["12345678901234567890.10", "1E+5", "-0"]) {
      expect(parseModule(`package a\np := ${digits}`)).toContain(`{"type": "number", "value": ${digits}}`);
    }
  });
});

describe("expressions", () => {
  const FUTURE = "import future.keywords";
  const not = (isExplicit: boolean, ...terms: readonly unknown[]) => ({
    type: "not",
    explicit_body: isExplicit,
    body: body(...terms),
  });

  test.each<readonly [string, unknown]>([
    ["x := 1", [ref("assign"), variable("x"), number(1)]],
    ["x = 1", [ref("eq"), variable("x"), number(1)]],
    ["f(1)", [ref("f"), number(1)]],
    ["{x} == y", [ref("equal"), { type: "set", value: [variable("x")] }, variable("y")]],
    ["some x, y", { symbols: [variable("x"), variable("y")] }],
    ["some x in y", { symbols: [call(ref("internal", "member_2"), variable("x"), variable("y"))] }],
    ["every x in y { z }", { key: null, value: variable("x"), domain: variable("y"), body: body(variable("z")) }],
  ])("%s", (written, terms) => {
    expect(termsOf(written)).toEqual(terms);
  });

  test("not and with are of the whole expression", () => {
    expect(read("package a\np if not x with input as 1 with y as z")).toMatchObject({
      rules: [
        {
          body: [
            {
              index: 0,
              negated: true,
              terms: variable("x"),
              with: [
                { target: ref("input"), value: number(1) },
                { target: variable("y"), value: variable("z") },
              ],
            },
          ],
        },
      ],
    });
  });

  test.each<readonly [string, unknown]>([
    ["not x", not(false, variable("x"))],
    ["not { x; y }", not(true, variable("x"), variable("y"))],
    ["x and y", { type: "and", lhs: body(variable("x")), rhs: body(variable("y")) }],
    [
      "x or y and z",
      {
        type: "or",
        lhs: body(variable("x")),
        rhs: body({ type: "and", lhs: body(variable("y")), rhs: body(variable("z")) }),
      },
    ],
    [
      "{ x } or not (y)",
      { type: "or", explicit_lhs: true, lhs: body(variable("x")), rhs: body(not(false, variable("y"))) },
    ],
  ])("%s, with the keywords of the future", (written, terms) => {
    expect(termsOf(written, FUTURE)).toEqual(terms);
  });

  test.each(["x and y", "not { x; y }"])("%s without them is a fault", (written) => {
    expect(parseModule(`package a\np if ${written}`)).toBe("error");
  });
});
