import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "@jest/globals";
import { Compile } from "typebox/schema";

type Json = { readonly [name: string]: unknown };

function objectFrom(value: unknown): Json {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

const document = objectFrom(
  JSON.parse(await readFile(join(import.meta.dirname, "../../../docs/openapi-decision.json"), "utf8")),
);

test("docs/openapi-decision.json is OpenAPI 3.1 by its schema", async () => {
  const validator = new Validator();
  expect(await validator.validate({ ...document })).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("every body of every operation, and every error, has an example that fits its schema", () => {
  const seen: string[] = [];
  for (const [path, item] of Object.entries(objectFrom(document["paths"]))) {
    for (const [method, { responses, requestBody }] of Object.entries(objectFrom(item)).map(
      ([name, operation]) => [name, objectFrom(operation)] as const,
    )) {
      for (const [status, body] of Object.entries({ ...objectFrom(responses), body: requestBody })) {
        for (const media of Object.values(objectFrom(objectFrom(body)["content"])).map(objectFrom)) {
          const where = `${method} ${path} ${status}`;
          seen.push(where);
          expect([where, media["example"]]).not.toEqual([where, undefined]);
          expect([where, Compile(objectFrom(media["schema"])).Errors(media["example"])]).toEqual([where, [true, []]]);
        }
      }
    }
  }
  expect(seen.length).toBeGreaterThan(30);
});
