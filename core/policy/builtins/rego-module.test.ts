/** What OPA answers of the same texts: scripts/conformance/opa/parse-module.test.ts. */
import { describe, expect, test } from "@jest/globals";
import { body, named, number, parseModule, ref, text, TRUE, variable } from "../../../test/harness/rego-tree.ts";
import { runBuiltin } from "../../../test/harness/run-builtin.ts";

const read = (source: string): unknown => JSON.parse(parseModule(source));

const PACKAGE = { path: [variable("data"), text("a")] };

describe("what is no module of Rego v1 is undefined, as a fault", () => {
  test.each([
    "",
    "# only a comment",
    "package",
    "package a.",
    "package a[b]",
    "p := 1",
    "package a\npackage b",
    "package a\np { true }",
    "package a\np[x] { x := 1 }",
    "package a\np[x]",
    "package a\np.q",
    "package a\np := 01",
    "package a\np := 1e30104",
    "package a\np := [1",
    "package a\np if { some x in y; {} == }",
    "package a\np if { x y }",
    "package a\np contains 1 if x else := 2",
    "package a\np if x else",
    "package a\ndefault p := x",
    "package a\ndefault f(x, x) := 1",
    "package a\ncount(x)",
    "package a\nimport x.y",
    "package a\nimport data.if",
    "package a\nimport future.keywords.nope",
    "package a\nimport rego.v2",
    "package a\np if some x in",
    "package a\np if every x in y",
    "package a\np if not some x in y",
    'package a\np := "a\\qb"',
    'package a\np := "a',
    'package a\np := $"{x := 1}"',
    "package a\np := 1[0]",
    "package a\np := {1: 2",
    "package a\np := ?",
    "package a\0",
    "package a\n# \ufeff",
  ])("%j", (source) => {
    expect(parseModule(source)).toBe("error");
  });

  test.each([".5", '"\\ufeff"'])("nor what JSON cannot hold, such as %s", (written) => {
    expect(parseModule(`package a\np := ${written}`)).toBe("error");
  });

  test.each(["[1, 2]", '["x.rego", 1]', '[1, "package a"]'])("nor what is no text: %s", (args) => {
    expect(runBuiltin("rego.parse_module", args)).toBe("error");
  });
});

test("a module is its package, its imports and its rules", () => {
  expect(read("package a\nimport data.b as c\nimport rego.v1\n\np := 1\nq if { p; x }")).toEqual({
    package: PACKAGE,
    imports: [{ path: ref("data", "b"), alias: "c" }, { path: ref("rego", "v1") }],
    rules: [
      { head: { ...named("p"), assign: true, value: number(1) }, body: body(TRUE) },
      { head: { ...named("q"), value: TRUE }, body: body(variable("p"), variable("x")) },
    ],
  });
  expect(read('package a["b c"].if')).toEqual({ package: { path: [...PACKAGE.path, text("b c"), text("if")] } });
});

test("comments have their text in base64 and where they are", () => {
  const at = (row: number, col: number) => ({ file: "x.rego", row, col });
  expect(read("# é\npackage a\t# 😀 b\r\n#\n#\r\n")).toEqual({
    package: PACKAGE,
    comments: [
      { Text: Buffer.from(" é").toString("base64"), Location: at(1, 1) },
      { Text: Buffer.from(" 😀 b").toString("base64"), Location: at(2, 11) },
      { Text: "", Location: at(3, 1) },
      { Text: null, Location: at(4, 1) },
    ],
  });
});

describe("rules", () => {
  test.each<readonly [string, object]>([
    ["default p := 1", { default: true, head: { ...named("p"), assign: true, value: number(1) } }],
    ["p contains 1", { head: { ...named("p"), key: number(1) } }],
    ["p = 1", { head: { ...named("p"), value: number(1) } }],
    ["f(x) := 1", { head: { ...named("f"), args: [variable("x")], assign: true, value: number(1) } }],
    ["f(x)", { head: { ...named("f"), args: [variable("x")], value: TRUE } }],
    ["p.q.r := 1", { head: { ref: ref("p", "q", "r").value, assign: true, value: number(1) } }],
    ["p.q := 1", { head: { name: "p", key: text("q"), ref: ref("p", "q").value, assign: true, value: number(1) } }],
  ])("%s", (source, rule) => {
    expect(read(`package a\n${source}`)).toEqual({ package: PACKAGE, rules: [{ ...rule, body: body(TRUE) }] });
  });

  test("an else has the head of its rule and a value of its own", () => {
    expect(read("package a\np := 1 if x else := 2 if { y } else if z")).toMatchObject({
      rules: [
        {
          head: { value: number(1) },
          else: {
            head: { ...named("p"), assign: true, value: number(2) },
            body: body(variable("y")),
            else: { head: { ...named("p"), assign: true, value: TRUE }, body: body(variable("z")) },
          },
        },
      ],
    });
  });

  test("further bodies are further rules, whose wildcards are others", () => {
    const head = (wildcard: string) => ({ ...named("f"), args: [variable(wildcard)], value: TRUE });
    expect(read("package a\nf(_) if { x } { y }")).toMatchObject({
      rules: [
        { head: head("$0"), body: body(variable("x")) },
        { head: head("$1"), body: body(variable("y")) },
      ],
    });
  });
});
