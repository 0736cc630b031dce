import { expect, test } from "@jest/globals";
import { inputReads } from "./input-reads.ts";

const input = { type: "var", value: "input" };
const reference = (...parts: readonly object[]) => ({ type: "ref", value: [input, ...parts] });
const word = (value: string) => ({ type: "string", value });
const module = (...rules: readonly object[]) => [{ file: "x.rego", ast: { package: { path: [] }, rules } }];

test("input as a whole, or by a name that is not known before, is everything", () => {
  expect(inputReads(module({ body: [{ terms: [word("f"), input] }] }), [])).toBeUndefined();
  expect(inputReads(module({ body: [{ terms: reference({ type: "var", value: "name" }) }] }), [])).toBeUndefined();
  expect(inputReads(module({ body: [{ terms: reference() }] }), [])).toBeUndefined();
  expect(
    inputReads(module({ body: [{ terms: reference(word("a"), { type: "var", value: "i" }, input) }] }), []),
  ).toBeUndefined();
  expect(inputReads([...module({ body: reference(word("a")) }), ...module({ body: input })], [])).toBeUndefined();
});

test("the words of each reference that are known are read, wherever it stands, and what is below another is not named", () => {
  const nested = { head: { value: reference(word("context"), { type: "var", value: "name" }) }, body: [] };
  const inside = { terms: { type: "arraycomprehension", value: { body: [reference(word("action"), word("name"))] } } };
  const index = { type: "ref", value: [{ type: "var", value: "data" }, reference(word("subject"), word("id"))] };
  const read = [["action", "name"], ["context"], ["subject", "id"]];
  expect(inputReads(module(nested, inside, index), ["incidents"])).toEqual(read);
  const whole = { body: [reference(word("subject"), { type: "number", value: 0 }, word("id"))] };
  const again = { body: [reference(word("context"), word("state"))] };
  expect(inputReads(module(nested, inside, index, whole, again), [])).toEqual([
    ["action", "name"],
    ["context"],
    ["subject"],
  ]);
  expect(inputReads(module({ body: [word("input")] }), [])).toEqual([]);
  const deep = Array.from({ length: 20 }, () => word("a"));
  expect(inputReads(module({ body: [reference(...deep)] }), [])).toEqual([Array.from({ length: 8 }, () => "a")]);
});

test("whether context is there is asked of the names that packages require, in the one rule that asks so", () => {
  const path = (...names: readonly string[]) => [{ type: "var", value: "data" }, ...names.map(word)];
  const asks = { body: [reference(word("context"), { type: "var", value: "name" })] };
  const named = (ref: string) => ({ head: { ref: [{ type: "var", value: ref }] }, ...asks });
  const inPackage = (names: readonly string[], rule: object) => [
    { file: "x.rego", ast: { package: { path: path(...names) }, rules: [rule] } },
  ];
  const required = ["incidents", "country"];
  const ofRequired = inPackage(["countersign"], named("_context_available"));
  expect(inputReads(ofRequired, required)).toEqual([
    ["context", "country"],
    ["context", "incidents"],
  ]);
  expect(inputReads(ofRequired, [])).toEqual([]);
  for (const other of [
    inPackage(["countersign"], named("_other")),
    inPackage(["countersign", "policies", "x"], named("_context_available")),
    inPackage([], { ...named("countersign"), head: { ref: path("countersign", "_context_available").slice(1) } }),
  ])
    expect(inputReads(other, required)).toEqual([["context"]]);
});

test("of members that are written whole only the name is read, and of more paths than a manifest may hold only the first names", () => {
  const body = { body: ["x", "y"].map((name) => reference(word("parsed_body"), word(name))) };
  expect(inputReads(module(body), [])).toEqual([["parsed_body"]]);
  const many = Array.from({ length: 1_001 }, (_, at) => reference(word("attributes"), word(`a${at}`)));
  expect(inputReads(module({ body: [...many, reference(word("subject"), word("id"))] }), [])).toEqual([
    ["attributes"],
    ["subject"],
  ]);
  expect(inputReads(module({ body: many.slice(2) }), [])?.length).toBe(999);
});
