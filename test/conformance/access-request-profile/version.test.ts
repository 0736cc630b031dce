/** One edition of the profile is spoken, whatever says which: the constant, both OpenAPI documents, the page, and whoever names a draft in words. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { ACCESS_REQUEST_PROFILE, PROFILE_DOCS } from "../../../core/messages/access-request-profile.ts";

const root = join(import.meta.dirname, "../../..");
const textOf = (file: string) => readFile(join(root, file), "utf8");
const { id, draft, date } = ACCESS_REQUEST_PROFILE;

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((now, name) => Reflect.get(Object(now), name), value);
}

test("it has the draft's own name, its number and its day", () => {
  expect(PROFILE_DOCS.description).toContain(`draft ${draft} of ${date}`);
  expect(PROFILE_DOCS.url).toContain(`/${id}.html`);
  expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
});

test("both OpenAPI documents tell it with every operation of the profile, and with no other", async () => {
  const approval: unknown = JSON.parse(await textOf("docs/openapi.json"));
  expect(at(approval, "tags")).toEqual([{ name: "access requests", externalDocs: PROFILE_DOCS }]);
  const decision: unknown = JSON.parse(await textOf("docs/openapi-decision.json"));
  const told: string[] = [];
  for (const documented of [approval, decision]) {
    for (const [path, item] of Object.entries(Object(at(documented, "paths")))) {
      for (const operation of Object.values(Object(item))) {
        const isTagged = JSON.stringify(at(operation, "tags")) === '["access requests"]';
        if (isTagged || at(operation, "externalDocs") !== undefined) told.push(path);
        if (!isTagged) expect([undefined, PROFILE_DOCS]).toContainEqual(at(operation, "externalDocs"));
      }
    }
  }
  expect(told.toSorted()).toEqual([
    "/.well-known/authzen-configuration",
    "/access/v1/evaluation",
    "/access/v1/jwks",
    "/access/v1/requests",
    "/access/v1/requests/{id}",
    "/access/v1/requests/{id}/cancel",
  ]);
});

test("the page tells it, and nobody who names a draft of the profile names another", async () => {
  expect(await textOf("docs/authzen.md")).toContain(`[${PROFILE_DOCS.description}](${PROFILE_DOCS.url})`);
  const named: string[] = [];
  for await (const file of glob("{core,services,test,docs}/**/*.{ts,md}", { cwd: root }))
    named.push(...draftsIn(await textOf(file)));
  for (const file of ["README.md", "CHANGELOG.md"]) named.push(...draftsIn(await textOf(file)));
  expect(named.length).toBeGreaterThan(8);
  expect(new Set(named)).toEqual(new Set([String(draft)]));
});

function draftsIn(text: string): readonly string[] {
  const words = text.replace(/\s+(?:\* )?/g, " ");
  return [...words.matchAll(/\b[Pp]rofile[^.;]{0,40}?\bdraft (\d+)/g)].map(([, number = ""]) => number);
}
