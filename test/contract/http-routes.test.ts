/**
 * docs/http.md, which alone says what listens where: its ports against those that configuration knows, and its rows of the REST and the AuthZEN
 * interface against what their routers have and what their OpenAPI documents describe. So a route or a port that is added fails here until it
 * is described, and a described route is fuzzed too. The rows of the operators' ports are asked of running processes, which alone know what
 * they have, by test/e2e/logs-and-metrics.test.ts.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { describedRest } from "../../services/approval/rest/described.ts";
import { addressesOf, portsListed } from "../harness/http-page.ts";
import { withRoutes } from "../harness/routes-of.ts";
import { startAuthzen } from "../integration/decision/authzen-fixture.ts";

const DOCS = join(import.meta.dirname, "..", "..", "docs");

type Json = { readonly [name: string]: unknown };

function objectFrom(value: unknown): Json {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

async function documentAt(...file: readonly string[]): Promise<Json> {
  return objectFrom(JSON.parse(await readFile(join(DOCS, ...file), "utf8")));
}

function operationsOf(document: Json): readonly (readonly [name: string, operation: Json])[] {
  return Object.entries(objectFrom(document["paths"])).flatMap(([path, item]) =>
    Object.entries(objectFrom(item)).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, objectFrom(operation)] as const,
    ),
  );
}

/** Routes whose address the row of this port does not have, and addresses of it that no route has. */
async function unlike(port: string, routes: readonly string[]): Promise<readonly string[]> {
  const addresses = await addressesOf(port);
  const paths = routes.map((route) => route.replace(/^\w+ /, ""));
  const isAt = (path: string, address: string) =>
    address.endsWith("…") ? path.startsWith(address.slice(0, -1)) : path === address;
  return [
    ...paths.filter((path) => !addresses.some((address) => isAt(path, address))),
    ...addresses.filter((address) => !paths.some((path) => isAt(path, address))),
  ];
}

test("the approval service routes what docs/openapi.json describes, the document itself, and nothing else", async () => {
  const { made, routes } = await withRoutes(describedRest);
  await made.close();
  const described = operationsOf(await documentAt("openapi.json")).map(([name]) => name);
  expect(described.length).toBeGreaterThan(20);
  expect(routes).toEqual([...described, "GET /v1/openapi.json"].toSorted());
  expect(await unlike("approval, `rest.port`", routes)).toEqual([]);
});

test("the AuthZEN interface routes what docs/openapi-decision.json describes, and nothing else", async () => {
  const { made, routes } = await withRoutes(() => startAuthzen());
  await made[Symbol.asyncDispose]();
  const described = operationsOf(await documentAt("openapi-decision.json")).map(([name]) => name);
  expect(described.length).toBeGreaterThan(5);
  expect(routes).toEqual(described.toSorted());
  expect(await unlike("decision, `api.httpPort`", routes)).toEqual([]);
});

test("docs/http.md has a row for every port that configuration knows, and for no other", async () => {
  const ports: string[] = [];
  for (const file of await readdir(join(DOCS, "config"))) {
    for (const [section, schema] of Object.entries(objectFrom((await documentAt("config", file))["properties"]))) {
      const names = Object.keys(objectFrom(objectFrom(schema)["properties"])).filter((name) => /port$/i.test(name));
      ports.push(...names.map((name) => `${file.replace(".schema.json", "")}, \`${section}.${name}\``));
    }
  }
  expect((await portsListed()).toSorted()).toEqual(ports.toSorted());
});
