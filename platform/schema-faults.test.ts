import { expect, test } from "@jest/globals";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { merged, withAllFindings } from "./schema-faults.ts";

const level = Type.Union([Type.Literal("error"), Type.Literal("info")]);
const schema = Type.Object(Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`level${at}`, level])), {
  additionalProperties: false,
});
const wrong = { ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`level${at}`, "loud"])), extra: 1 };

test("every place is found, once, by the texts that may stand there; a member that is not known is named once too", () => {
  expect(Value.Errors(schema, wrong).length).toBeLessThan(12); // why there is this
  const found = merged(withAllFindings(() => Value.Errors(schema, wrong)));
  const texts = found.filter(({ keyword }) => keyword === "const");
  expect(texts.map(({ instancePath }) => instancePath).toSorted()).toEqual(
    Array.from({ length: 12 }, (_, at) => `/level${at}`).toSorted(),
  );
  expect(new Set(texts.map(({ message }) => message))).toEqual(new Set(['must be "error" or "info"']));
  expect(found.filter(({ keyword }) => keyword !== "const").map(({ keyword }) => keyword)).toEqual([
    "additionalProperties",
  ]);
  expect(Value.Errors(schema, wrong).length).toBeLessThan(12); // for nobody else
});
