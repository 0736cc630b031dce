import { expect, test } from "@jest/globals";
import { inputReads } from "./input-reads.ts";

const input = { type: "var", value: "input" };
const reference = (...parts: readonly object[]) => ({ type: "ref", value: [input, ...parts] });
const word = (value: string) => ({ type: "string", value });
const module = (...rules: readonly object[]) => [{ file: "x.rego", ast: { package: { path: [] }, rules } }];

test("input as a whole, or by a name that is not known before, is everything", () => {
  expect(inputReads(module({ body: [{ terms: [word("f"), input] }] }))).toBeUndefined();
  expect(inputReads(module({ body: [{ terms: reference({ type: "var", value: "name" }) }] }))).toBeUndefined();
  expect(inputReads(module({ body: [{ terms: reference() }] }))).toBeUndefined();
  expect(
    inputReads(module({ body: [{ terms: reference(word("a"), { type: "var", value: "i" }, input) }] })),
  ).toBeUndefined();
  expect(inputReads([...module({ body: reference(word("a")) }), ...module({ body: input })])).toBeUndefined();
});

test("the first word of each reference is read, wherever it stands", () => {
  const nested = { head: { value: reference(word("context"), { type: "var", value: "name" }) }, body: [] };
  const inside = { terms: { type: "arraycomprehension", value: { body: [reference(word("action"), word("name"))] } } };
  const index = { type: "ref", value: [{ type: "var", value: "data" }, reference(word("subject"), word("id"))] };
  expect(inputReads(module(nested, inside, index))).toEqual(["action", "context", "subject"]);
  expect(inputReads(module({ body: [word("input")] }))).toEqual([]);
});
