import { describe, expect, test } from "@jest/globals";
import { builtinCall, callBuiltin, runBuiltin } from "../../../test/harness/run-builtin.ts";
import { threadMs } from "../../../test/harness/thread-time.ts";

const SCHEMA = `
  type Query { order(id: ID!, limit: Int): Order  any: Thing }
  type Order implements Node { id: ID! note: String }
  interface Node { id: ID! }
  union Thing = Order
  enum Size { S M }
  input Filter { size: Size! = S }
  directive @own(size: Size) on FIELD
`;
const isValid = (query: string): string => callBuiltin("graphql.is_valid", query, SCHEMA);
const variables = (count: number, text: string): string =>
  Array.from({ length: count }, (_, at) => text.replace("#", String(at))).join(" ");
const schemaIsValid = (schema: string): string => callBuiltin("graphql.schema_is_valid", schema);

describe("a query that does not fit its schema is not valid", () => {
  test.each([
    "{ nope }",
    "{ order { id } }",
    '{ order(id: "1") }',
    '{ order(id: "1") { id @own(size: XL) } }',
    '{ order(id: "1", limit: "a") { id } }',
    "mutation { order }",
    "query A { any { ... on Order { id } } } query A { any { ... on Order { id } } }",
    "{ any { ...F } }",
    "{ any { id } }",
    "query ($v: Int!) { any { ... on Order { id } } }",
    "{",
    "type A { b: Int }",
  ])("%s", (query) => {
    expect(isValid(query)).toBe("false");
    expect(callBuiltin("graphql.parse_and_verify", query, SCHEMA)).toBe("[false, {}, {}]");
    expect(callBuiltin("graphql.parse", query, SCHEMA)).toBe("error");
  });
});

describe("a schema with a fault is not valid", () => {
  test.each([
    "type A { b: Nope }",
    "type A { b: Int } type A { c: Int }",
    "scalar Int",
    "type A implements I { b: Int } interface I { b: Int! }",
    "union U = I interface I { a: Int }",
    "enum E { true }",
    "type __A { a: Int }",
    "type A { a(b: A): Int }",
    "type A { a: Int @deprecated @deprecated }",
    "schema { query: Nope }",
    "extend scalar S",
  ])("%s", (schema) => {
    expect(schemaIsValid(schema)).toBe("false");
  });
});

test("a deep text ends, and not by a stack that overflows", () => {
  expect(callBuiltin("graphql.parse_query", "{a".repeat(50_000))).toBe("limit");
  expect(callBuiltin("graphql.parse_query", `{a(x: ${"[".repeat(5_000)}${"]".repeat(5_000)})}`)).toBe("limit");
});

test("a query of very many fields is refused before fields are compared pairwise", () => {
  const ms = threadMs(5_000, () => {
    expect(isValid(`{ ${'order(id: "1") { id } '.repeat(10_000)} }`)).toBe("limit");
  });
  expect(ms).toBeLessThan(5_000);
});

describe("a query of many fields of one name", () => {
  const schema = "type Query { secret: String b: String a: T } type T { c: String }";
  const answers = (query: string) => [
    callBuiltin("graphql.is_valid", query, schema),
    callBuiltin("graphql.parse_and_verify", query, schema).slice(0, 6),
    callBuiltin("graphql.parse", query, schema).slice(0, 5),
  ];

  test.each([700, 800, 1_998])("is as valid as one of two, at %d", (count) => {
    expect(answers(`{secret ${"b ".repeat(count)}nope}`)).toEqual(["false", "[false", "error"]);
    expect(answers(`{secret b: secret ${"b ".repeat(count - 1)}}`)).toEqual(["false", "[false", "error"]);
    expect(answers(`{secret ${"b ".repeat(count)}}`)).toEqual(["true", "[true,", '[{"Op']);
    expect(answers(`{secret ${"a{c} ".repeat(count >> 1)}}`).at(0)).toBe("true");
  });

  test.each([
    ["more than we look at", `{secret ${"b ".repeat(2_000)}}`],
    [
      "more that differ than graphql compares",
      `query(${variables(800, "$v#: Boolean!")}) {secret ${variables(800, "b @skip(if: $v#)")}}`,
    ],
  ])("is never told to be no query, where there are %s", (_, query) => {
    expect(answers(query)).toEqual(["limit", "limit", "limit"]);
  });

  test("pays for each two that have to be compared", () => {
    const paidFor = (count: number) => {
      let paid = 0;
      const call = { ...builtinCall, pay: (units: number) => void (paid += units) };
      const query = `query(${variables(count, "$v#: Boolean!")}) {${variables(count, "b @skip(if: $v#)")}}`;
      expect(runBuiltin("graphql.is_valid", JSON.stringify([query, schema]), call)).toBe("true");
      return paid;
    };
    expect(paidFor(200)).toBeGreaterThan(3.9 * paidFor(100));
  });
});

test.each([
  '{ any { ...F @defer(label: "x") ...F @defer(label: "x") ...G @defer(label: "x") } }',
  "{ ... @defer { any { __typename } } }",
])("to OPA's library @defer is a directive like any other: %s", (query) => {
  const fragments = "fragment F on Order { id } fragment G on Order { note }";
  expect(isValid(query.includes("...F") ? `${query} ${fragments}` : query)).toBe("true");
});

test("valid queries and schemas are told so; an extension may come without its type", () => {
  expect(
    isValid("query Q($n: Int = 3) { order(id: 7, limit: $n) { ...F note @own(size: S) } } fragment F on Node { id }"),
  ).toBe("true");
  expect(isValid("{ __schema { types { name } } any { __typename } }")).toBe("true");
  expect(schemaIsValid(SCHEMA)).toBe("true");
  expect(schemaIsValid("extend type T { a: Int }")).toBe("true");
});

test("the tree holds comments, and a tree may be handed in again", () => {
  const tree = callBuiltin("graphql.parse_query", "query {\n # c\n any { id } }");
  expect(tree).toContain('"Comment": {"List": [{"Value": "# c"}]}');
  expect(runBuiltin("graphql.is_valid", `[${tree}, ${JSON.stringify(SCHEMA)}]`)).toBe("false");
  const good = callBuiltin("graphql.parse_query", '{ order(id: "1") { id } }');
  const schema = callBuiltin("graphql.parse_schema", SCHEMA);
  expect(runBuiltin("graphql.is_valid", `[${good}, ${schema}]`)).toBe("true");
});
