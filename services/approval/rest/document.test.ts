import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";

test("docs/openapi.json is OpenAPI 3.1 by its schema", async () => {
  const text = await readFile(join(import.meta.dirname, "..", "..", "..", "docs", "openapi.json"), "utf8");
  const validator = new Validator();
  const document: unknown = JSON.parse(text);
  if (typeof document !== "object" || document === null) throw new Error("the document is no object");
  expect(await validator.validate({ ...document })).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});
