/**
 * The routes that fastify is given against the OpenAPI documents that docs/http.md names; what the operators' ports answer is held against that
 * page by test/e2e/logs-and-metrics.test.ts. A route that is added fails here until it is described, and so is fuzzed, since the fuzz tests
 * call what the documents describe.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "@jest/globals";
import { Compile } from "typebox/schema";
import { describedRest } from "../../services/approval/rest/described.ts";
import { startAuthzen } from "../integration/decision/authzen-fixture.ts";

const ROOT = join(import.meta.dirname, "..", "..");

type Json = { readonly [name: string]: unknown };

function objectFrom(value: unknown): Json {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

async function documentAt(file: string): Promise<Json> {
  return objectFrom(JSON.parse(await readFile(join(ROOT, "docs", file), "utf8")));
}

function operationsOf(document: Json): readonly (readonly [name: string, operation: Json])[] {
  return Object.entries(objectFrom(document["paths"])).flatMap(([path, item]) =>
    Object.entries(objectFrom(item)).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, objectFrom(operation)] as const,
    ),
  );
}

/** Whatever is routed by a server that is made meanwhile; the methods that an address refuses by 405 aside. */
async function routesOf(make: () => Promise<AsyncDisposable>): Promise<readonly string[]> {
  const routes: string[] = [];
  const watch = (message: unknown) => {
    const { fastify } = objectFrom(message);
    const app: unknown = Object(fastify);
    if (typeof app !== "object" || app === null || !("addHook" in app) || typeof app.addHook !== "function") return;
    app.addHook("onRoute", ({ method, url, schema }: { method: string | string[]; url: string; schema?: unknown }) => {
      if (objectFrom(schema)["operationId"] === "none") return;
      for (const one of [method].flat()) routes.push(`${one} ${url.replace(/:(\w+)/g, "{$1}")}`);
    });
  };
  subscribe("fastify.initialization", watch);
  try {
    await using _server = await make();
  } finally {
    unsubscribe("fastify.initialization", watch);
  }
  return routes.toSorted();
}

test("the approval service routes what docs/openapi.json describes, the document itself, and nothing else", async () => {
  const routes = await routesOf(async () => {
    const rest = await describedRest();
    return { [Symbol.asyncDispose]: () => rest.close() };
  });
  const described = operationsOf(await documentAt("openapi.json")).map(([name]) => name);
  expect(described.length).toBeGreaterThan(20);
  expect(routes).toEqual([...described, "GET /v1/openapi.json"].toSorted());
});

test("the AuthZEN interface routes what docs/openapi-decision.json describes, and nothing else", async () => {
  const described = operationsOf(await documentAt("openapi-decision.json")).map(([name]) => name);
  expect(described.length).toBeGreaterThan(5);
  expect(await routesOf(startAuthzen)).toEqual(described.toSorted());
});

test("docs/openapi-decision.json is OpenAPI 3.1 by its schema, and each of its bodies has an example that fits", async () => {
  const document = await documentAt("openapi-decision.json");
  const validator = new Validator();
  expect(await validator.validate({ ...document })).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
  for (const [name, { responses, requestBody }] of operationsOf(document)) {
    for (const [status, body] of Object.entries({ ...objectFrom(responses), body: requestBody })) {
      for (const media of Object.values(objectFrom(objectFrom(body)["content"])).map(objectFrom)) {
        expect([name, status, media["example"]]).not.toEqual([name, status, undefined]);
        const errors = Compile(objectFrom(media["schema"])).Errors(media["example"]);
        expect([name, status, errors]).toEqual([name, status, [true, []]]);
      }
    }
  }
});
