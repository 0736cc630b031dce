import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "@jest/globals";
import { Compile } from "typebox/schema";
import { PROFILE } from "./access-requests/profile.ts";
import { describedRest } from "./described.ts";
import { isProblemCode, PROBLEMS } from "./problem-table.ts";

type Json = { readonly [name: string]: unknown };

const document: unknown = JSON.parse(
  await readFile(join(import.meta.dirname, "..", "..", "..", "docs", "openapi.json"), "utf8"),
);

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((now, name) => objectFrom(now)[name], value);
}

function objectFrom(value: unknown): Json {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

const operations = Object.entries(objectFrom(at(document, "paths"))).flatMap(([path, item]) =>
  Object.entries(objectFrom(item)).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
);

/** Every place where a body is described: of the request, and of each answer. */
const bodies = operations.flatMap(({ name, operation }) => {
  const answers = Object.entries(objectFrom(at(operation, "responses")));
  const described = [["body", at(operation, "requestBody")], ...answers] satisfies [string, unknown][];
  return described.flatMap(([status, one]) =>
    Object.entries(objectFrom(at(one, "content"))).map(([type, media]) => ({
      where: `${name} ${status} ${type}`,
      media,
    })),
  );
});

function examplesOf(media: unknown): readonly unknown[] {
  const { example, examples } = objectFrom(media);
  return example === undefined ? Object.values(objectFrom(examples)).map((one) => at(one, "value")) : [example];
}

test("docs/openapi.json is OpenAPI 3.1 by its schema", async () => {
  const validator = new Validator();
  expect(await validator.validate(objectFrom(document))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("every body of every operation, and every error, has an example that fits its schema", () => {
  expect(bodies.length).toBeGreaterThan(100);
  const components = at(document, "components");
  for (const { where, media } of bodies) {
    const examples = examplesOf(media);
    expect([where, examples.length > 0]).toEqual([where, true]);
    const schema = Compile({ ...objectFrom(at(media, "schema")), components });
    for (const example of examples) expect([where, schema.Errors(example)]).toEqual([where, [true, []]]);
  }
});

test("every problem of the table is an example of some operation, and its type is an address of the document", () => {
  const problems = bodies.filter(({ where }) => where.endsWith("application/problem+json"));
  const told = problems.flatMap(({ media }) => examplesOf(media));
  expect(new Set(told.map((one) => at(one, "code")))).toEqual(new Set(Object.keys(PROBLEMS)));
  const ofProfile = new Set<string>();
  for (const { where, media } of problems) {
    for (const one of examplesOf(media)) {
      const code = String(at(one, "code"));
      const type =
        where.includes("/access/") && isProblemCode(code) ? PROFILE.config.problemTypes.get(code) : undefined;
      if (type !== undefined) ofProfile.add(type);
      expect([where, at(one, "type")]).toEqual([where, type ?? `/v1/problems/${code}`]);
    }
  }
  expect(ofProfile).toEqual(new Set(PROFILE.config.problemTypes.values()));
  expect(at(document, "paths", "/v1/problems/{code}", "get")).toBeDefined();
});

test("the document is told as it stands in docs, and every type of a problem is an address that says what it means", async () => {
  const rest = await describedRest();
  try {
    expect((await rest.inject("/v1/openapi.json")).json()).toEqual(document);
    for (const [code, { title }] of Object.entries(PROBLEMS)) {
      const answer = await rest.inject(`/v1/problems/${code}`);
      expect([code, answer.statusCode, answer.json()]).toEqual([code, 200, expect.objectContaining({ code, title })]);
    }
    expect((await rest.inject("/v1/problems/no_such_problem")).statusCode).toBe(404);
  } finally {
    await rest.close();
  }
});

test("every answer has a description of its own", () => {
  for (const { name, operation } of operations) {
    for (const [status, answer] of Object.entries(objectFrom(at(operation, "responses")))) {
      expect([name, status, at(answer, "description")]).not.toContain("Default Response");
    }
  }
});
