/**
 * Every route of the Access Request profile for every role, on things of dana's: what each is answered, and that whoever is refused changes
 * nothing. All other operations of the document are in rest-roles.test.ts.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type AccessRequestApproval, createAccessRequestApproval, PATH, submission } from "./access-request-fixture.ts";
import { textAt } from "./rest-answer.ts";
import { documented } from "./rest-document.ts";
import { ROLES, row } from "./roles-fixture.ts";

let rest: AccessRequestApproval;
beforeAll(async () => {
  rest = await createAccessRequestApproval();
}, 90_000);
afterAll(() => rest.close());

const dana = ROLES.developer;

const EXPECTED = [
  { method: "POST", path: PATH, expected: row(401, 401, 400, 202, 400, 400, 400) },
  { method: "GET", path: `${PATH}/{id}`, expected: row(401, 401, 404, 200, 200, 200, 404) },
  { method: "POST", path: `${PATH}/{id}/cancel`, expected: row(401, 401, 404, 200, 403, 403, 404) },
] as const;

test("every route of the profile says who may call it", () => {
  const listed = documented(rest.app).filter(({ path }) => path.startsWith(PATH));
  const names = (some: readonly { readonly method: string; readonly path: string }[]) =>
    some.map(({ method, path }) => `${method} ${path}`).toSorted();
  expect(names(EXPECTED)).toEqual(names(listed));
});

/** What a call could change. */
async function contents(): Promise<unknown> {
  const { rows } = await rest.database.query(
    `select (select count(*) from outbox) as events, (select count(*) from grants) as grants,
            (select string_agg(status, ' ' order by id) from requests) as requests`,
  );
  return rows;
}

/** A fresh denial of dana's to be submitted, or a fresh task of hers. */
async function subjectOf(path: string): Promise<{ readonly url: string; readonly body?: unknown }> {
  if (path === PATH) return { url: path, body: submission(await rest.denyQuestion(dana)) };
  return { url: path.replace("{id}", textAt(await rest.submitted(dana), "task.id")) };
}

test.each(EXPECTED)("$method $path is answered to each role as it should be", async ({ method, path, expected }) => {
  const seen: { [role: string]: number } = {};
  for (const [role, token] of Object.entries(ROLES)) {
    const { url, body } = await subjectOf(path);
    const before = await contents();
    const answer = await rest.call(method, url, {
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body }),
    });
    seen[role] = answer.status;
    const isChange = method === "POST" && answer.status < 300;
    expect([role, JSON.stringify(await contents()) !== JSON.stringify(before)]).toEqual([role, isChange]);
  }
  expect(seen).toEqual(expected);
});
