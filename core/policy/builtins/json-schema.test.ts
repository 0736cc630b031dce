import { describe, expect, test } from "@jest/globals";
import { callBuiltin } from "../../../test/harness/run-builtin.ts";

const match = (document: unknown, schema: unknown): string => callBuiltin("json.match_schema", document, schema);
const verify = (schema: unknown): string => callBuiltin("json.verify_schema", schema);

describe("a schema with a fault is told in the words of OPA's library", () => {
  test.each([
    [
      { type: "x" },
      "has a primitive type that is NOT VALID -- given: /x/ Expected valid values are:[array boolean integer number null object string]",
    ],
    [{ minLength: -1 }, "minLength must be greater than or equal to 0"],
    [{ minItems: 1.5 }, "minItems must be of an integer"],
    [{ pattern: "(?=a)" }, "pattern must be a valid regex"],
    [{ required: ["a", "a"] }, "required items must be unique"],
    [{ exclusiveMaximum: true }, "exclusiveMaximum cannot be used without maximum"],
    [{ enum: [1, 1] }, "enum items must be unique"],
    [{ items: 3 }, "Invalid type. Expected: Valid Schema/Array Of Schemas, given: items"],
  ])("%j", (schema, complaint) => {
    expect(verify(schema)).toBe(`[false, ${JSON.stringify(`jsonschema: ${complaint}`)}]`);
    expect(match({}, schema)).toBe("error");
  });

  test("a reference out of the document is an error: nothing is fetched", () => {
    expect(match({}, { $ref: "http://127.0.0.1:1/schema.json" })).toBe("error");
  });

  test("a schema that leads only to itself ends", () => {
    expect(match([1], { $ref: "#" })).toBe("limit");
    expect(
      match([1], {
        definitions: { a: { $ref: "#/definitions/b" }, b: { $ref: "#/definitions/a" } },
        $ref: "#/definitions/a",
      }),
    ).toBe("limit");
  });
});

describe("a document that does not match", () => {
  test.each([
    [
      { a: 1 },
      { properties: { a: { type: ["string", "null"] } } },
      "a",
      "Invalid type. Expected: [string,null], given: integer",
    ],
    [{}, { required: ["x"] }, "(Root)", "x is required"],
    [{ b: 1 }, { additionalProperties: false }, "(Root)", "Additional property b is not allowed"],
    [
      { a: { b: [0.35] } },
      { properties: { a: { properties: { b: { items: { multipleOf: 0.1 } } } } } },
      "a.b.0",
      "Must be a multiple of 0.1",
    ],
    [["éé"], { items: { maxLength: 1 } }, "0", "String length must be less than or equal to 1"],
    [[1, 1.0], { uniqueItems: true }, "(Root)", "array items[0,1] must be unique"],
    [[5], { items: { exclusiveMinimum: 5 } }, "0", "Must be greater than 5"],
    [["x"], { items: { const: { a: 1 } } }, "0", '0 does not match: {"a":1}'],
    [["2020-02-30"], { items: { format: "date" } }, "0", "Does not match format 'date'"],
  ])("%j", (document, schema, field, description) => {
    const fault = { desc: description, error: `${field}: ${description}`, field };
    const shown = match(document, schema);
    expect(shown.startsWith("[false, [")).toBe(true);
    for (const [key, value] of Object.entries(fault)) expect(shown).toContain(`"${key}": ${JSON.stringify(value)}`);
  });

  test("of several alternatives the one that came closest is told", () => {
    const schema = { anyOf: [{ type: "string" }, { properties: { a: { minimum: 5 } }, required: ["a"] }] };
    const shown = match({ a: 1 }, schema);
    expect(shown).toContain("Must validate at least one schema (anyOf)");
    expect(shown).toContain("Must be greater than or equal to 5");
    expect(shown).not.toContain("Expected: string");
  });
});

test("exact numbers: 0.3 is a multiple of 0.1, and digits beyond 2^53 are not rounded", () => {
  expect(match([0.3], { items: { multipleOf: 0.1 } })).toBe("[true, []]");
  expect(callBuiltin("json.match_schema", "[9007199254740993]", '{"items":{"maximum":9007199254740992}}')).toContain(
    "false",
  );
});

test("references within the document are followed, by pointer and by id", () => {
  const schema = {
    definitions: { a: { $id: "#named", type: "integer" } },
    items: [{ $ref: "#/definitions/a" }, { $ref: "#named" }],
  };
  expect(match([1, 2], schema)).toBe("[true, []]");
  expect(match([1, "x"], schema)).toContain("given: string");
});
