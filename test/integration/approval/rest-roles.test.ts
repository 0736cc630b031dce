/**
 * Every operation of the OpenAPI document for every role, on things of dana's: what each is answered. One that is added fails here until it
 * says who may call it. Those of the Access Request profile, which is not offered here, are in
 * access-request-roles.test.ts.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { textAt } from "./rest-answer.ts";
import { documented } from "./rest-document.ts";
import { createRestApproval, offering, type RestApproval } from "./rest-fixture.ts";
import { ROLES, row } from "./roles-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
}, 90_000);
afterAll(() => rest.close());

const dana = ROLES.developer;
const max = ROLES.manager;

const EXPECTED: Readonly<Record<string, ReturnType<typeof row>>> = {
  submitRequest: row(401, 401, 404, 201, 404, 404, 404),
  listRequests: row(401, 401, 200, 200, 200, 200, 200),
  getRequest: row(401, 401, 404, 200, 200, 200, 404),
  listApprovers: row(401, 401, 404, 200, 200, 200, 404),
  reviewRequest: row(401, 401, 404, 403, 200, 403, 404),
  cancelRequest: row(401, 401, 404, 200, 403, 403, 404),
  listDenials: row(401, 401, 200, 200, 200, 200, 200),
  getDenial: row(401, 401, 404, 200, 404, 200, 404),
  listGrants: row(401, 401, 200, 200, 200, 200, 200),
  getGrant: row(401, 401, 404, 200, 200, 200, 404),
  revokeGrant: row(401, 401, 404, 200, 200, 200, 404),
  readAudit: row(401, 401, 403, 403, 403, 200, 403),
  listQuarantine: row(401, 401, 403, 403, 403, 200, 403),
  // Of a record that does not exist: whoever may not know is told before.
  getQuarantined: row(401, 401, 403, 403, 403, 404, 403),
  replayRecord: row(401, 401, 403, 403, 403, 404, 403),
  openIncident: row(401, 401, 403, 403, 403, 201, 403),
  listIncidents: row(401, 401, 403, 403, 403, 200, 403),
  getIncident: row(401, 401, 403, 403, 403, 404, 403),
  closeIncident: row(401, 401, 403, 403, 403, 404, 403),
  dismissRecord: row(401, 401, 403, 403, 403, 404, 403),
  getProblem: row(200, 200, 200, 200, 200, 200, 200),
};

/** A fresh thing of dana's for each operation: what the call is about, and what it says. */
async function subjectOf(name: string, path: string): Promise<{ readonly url: string; readonly body?: unknown }> {
  if (name === "submitRequest") {
    const denial = await rest.denyTo(dana, offering({ scope: `order/${randomUUID()}` }));
    return { url: path, body: { denial_id: denial.id, justification: "the customer was charged twice" } };
  }
  if (path.startsWith("/v1/denials/{id}")) return { url: path.replace("{id}", (await rest.denyTo(dana)).id) };
  if (path.startsWith("/v1/grants/{id}")) {
    const granted = await rest.vote(max, await rest.askAs(dana));
    return { url: path.replace("{id}", textAt(granted, "grant.id")), body: name === "revokeGrant" ? {} : undefined };
  }
  if (path.startsWith("/v1/requests/{id}")) {
    const { id, digest } = await rest.askAs(dana);
    const bodies = new Map<string, unknown>([
      ["reviewRequest", { vote: "approve", digest }],
      ["cancelRequest", {}],
    ]);
    return { url: path.replace("{id}", id), body: bodies.get(name) };
  }
  const bodies = new Map<string, unknown>([
    ["openIncident", { severity: "low", scope: "orders", title: "Orders are late" }],
    ["closeIncident", {}],
    ["dismissRecord", { reason: "forged" }],
  ]);
  return {
    body: bodies.get(name),
    url: path.replace("{code}", "widens").replace("{id}", "01930000-0000-7000-8000-0000000000ff"),
  };
}

test("every operation of the document says who may call it", () => {
  const names = documented(rest.app).map(({ name }) => name);
  expect(Object.keys(EXPECTED).toSorted()).toEqual(names.toSorted());
});

test.each(Object.entries(EXPECTED))("%s is answered to each role as it should be", async (name, expected) => {
  const operation = documented(rest.app).find((one) => one.name === name);
  if (operation === undefined) throw new Error(`no ${name}`);
  const seen: { [role: string]: number } = {};
  for (const [role, token] of Object.entries(ROLES)) {
    const { url, body } = await subjectOf(name, operation.path);
    const answer = await rest.call(operation.method, url, {
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body }),
    });
    seen[role] = answer.status;
  }
  expect(seen).toEqual(expected);
});
