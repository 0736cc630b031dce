/**
 * Every route of the REST interface, as its router has them, for every role, on things of dana's, and on incidents and records set aside that are
 * there: what each is answered, and that whoever is refused changes nothing. A route that is added fails here until it says who may call it.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TOPICS } from "../../../core/messages/topics.ts";
import type { ReadRecord } from "../../../services/approval/intake/quarantine.ts";
import { roleTable, routeOf, routesIn } from "../../harness/role-table.ts";
import { withRoutes } from "../../harness/routes-of.ts";
import { type AccessRequestApproval, createAccessRequestApproval, PATH, submission } from "./access-request-fixture.ts";
import { type Approval, account, denialFor } from "./approval-fixture.ts";
import { textAt } from "./rest-answer.ts";
import { offering, SECOND, tokenOf } from "./rest-fixture.ts";

const dana = tokenOf("dana", ["engineers"]);
const max = tokenOf("max", ["managers"]);
const sam = tokenOf("sam", ["security"]);

const CALLERS = new Map([
  ["anonymous", undefined],
  ["foreign", tokenOf("max", ["managers", "security"], { iss: "https://foreign.example" })],
  ["stranger", tokenOf("eve", ["engineers"])],
  ["developer", dana],
  ["manager", max],
  ["security", sam],
  // Sam's, wielded by an agent.
  ["agent", tokenOf("sam", ["security"], { act: { sub: "bot" } })],
  // Of the second issuer, whose group of that name is not what configuration calls security.
  ["elsewhere", tokenOf("lea", ["security"], { iss: SECOND })],
]);

const TABLE = roleTable(`
                                      anonymous  foreign  stranger  developer  manager  security  agent  elsewhere
  POST /v1/requests                         401      401       404        201      404       404    404        404
  GET  /v1/requests                         401      401       200        200      200       200    200        200
  GET  /v1/requests/{id}                    401      401       404        200      200       200    200        404
  GET  /v1/requests/{id}/approvers          401      401       404        200      200       200    200        404
  POST /v1/requests/{id}/reviews            401      401       404        403      200       403    403        404
  POST /v1/requests/{id}/cancel             401      401       404        200      403       403    403        404
  GET  /v1/denials                          401      401       200        200      200       200    200        200
  GET  /v1/denials/{id}                     401      401       404        200      404       200    200        404
  GET  /v1/grants                           401      401       200        200      200       200    200        200
  GET  /v1/grants (view=reviewable)         401      401       200        200      200       200    200        200
  GET  /v1/grants (view=all)                401      401       403        403      403       200    200        403
  GET  /v1/grants/{id}                      401      401       404        200      200       200    200        404
  POST /v1/grants/{id}/revoke               401      401       404        200      200       200    403        404
  GET  /v1/audit                            401      401       403        403      403       200    200        403
  GET  /v1/quarantine                       401      401       403        403      403       200    200        403
  GET  /v1/quarantine/{id}                  401      401       403        403      403       200    200        403
  POST /v1/quarantine/{id}/replay           401      401       403        403      403       200    403        403
  POST /v1/quarantine/{id}/dismiss          401      401       403        403      403       200    403        403
  POST /v1/incidents                        401      401       403        403      403       201    403        403
  GET  /v1/incidents                        401      401       403        403      403       200    200        403
  GET  /v1/incidents/{id}                   401      401       403        403      403       200    200        403
  POST /v1/incidents/{id}/close             401      401       403        403      403       200    403        403
  POST /access/v1/requests                  401      401       400        202      400       400    400        400
  GET  /access/v1/requests/{id}             401      401       404        200      200       200    200        404
  POST /access/v1/requests/{id}/cancel      401      401       404        200      403       403    403        404
  GET  /v1/problems/{code}                  200      200       200        200      200       200    200        200
  GET  /v1/openapi.json                     200      200       200        200      200       200    200        200
`);

let rest: AccessRequestApproval;
let routes: readonly string[];
beforeAll(async () => {
  ({ made: rest, routes } = await withRoutes(() => createAccessRequestApproval({ readersOf: takingAgain })));
});
afterAll(() => rest.close());

const BODIES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["POST /v1/requests/{id}/cancel", {}],
  ["POST /v1/grants/{id}/revoke", {}],
  ["POST /v1/quarantine/{id}/dismiss", { reason: "forged" }],
  ["POST /v1/incidents", { severity: "low", scope: "orders", title: "Orders are late" }],
  ["POST /v1/incidents/{id}/close", {}],
]);

/** A fresh thing of dana's for each call: what it is about, and what it says. */
async function subjectOf(route: string): Promise<{ readonly url: string; readonly body?: unknown }> {
  const { path } = routeOf(route);
  const [, query] = /\((.+)\)$/.exec(route) ?? [];
  if (query !== undefined) return { url: `${path}?${query}` };
  const about = (id: string, body = BODIES.get(route)) => ({ url: path.replace("{id}", id), body });
  if (route === "POST /v1/requests") {
    const denial = await rest.denyTo(dana, offering({ scope: `order/${randomUUID()}` }));
    return { url: path, body: { denial_id: denial.id, justification: "the customer was charged twice" } };
  }
  if (route === `POST ${PATH}`) return { url: path, body: submission(await rest.denyQuestion(dana)) };
  if (path.startsWith(`${PATH}/{id}`)) return about(textAt(await rest.submitted(dana), "task.id"));
  if (path.startsWith("/v1/denials/{id}")) return about((await rest.denyTo(dana)).id);
  if (path.startsWith("/v1/grants/{id}")) {
    return about(textAt(await rest.vote(max, await rest.askAs(dana)), "grant.id"));
  }
  if (path.startsWith("/v1/requests/{id}")) {
    const { id, digest } = await rest.askAs(dana);
    return about(id, path.endsWith("/reviews") ? { vote: "approve", digest } : BODIES.get(route));
  }
  if (path.startsWith("/v1/incidents/{id}")) {
    const body = BODIES.get("POST /v1/incidents");
    return about(textAt(await rest.call("POST", "/v1/incidents", { token: sam, body }), "id"));
  }
  if (path.startsWith("/v1/quarantine/{id}")) return about(await rest.setAside());
  return { url: path.replace("{code}", "widens"), body: BODIES.get(route) };
}

/** Whatever was set aside is a denial when it is read again. */
function takingAgain({ commands, store }: Approval): ReadonlyMap<string, ReadRecord> {
  const take: ReadRecord = async (_record, origin) => {
    const denial = denialFor(account(randomUUID()), await store.reads.now());
    await commands.acceptDenial({ denial, origin });
    return { kind: "taken" };
  };
  return new Map([[TOPICS.denials.name, take]]);
}

/** What a call could change; that a vote was refused is on record. */
async function contents(): Promise<unknown> {
  const { rows } = await rest.database.query(
    `select (select count(*) from outbox where event ->> 'type' not like '%review.refused%') as events,
            (select count(*) from denials) as denials, (select count(*) from reviews) as reviews,
            (select count(*) from notifications) as notifications,
            (select string_agg(state, ' ' order by id) from grants) as grants,
            (select string_agg(state, ' ' order by id) from incidents) as incidents,
            (select json_agg(json_build_array(replayed_at, dismissed_at, tries) order by id) from quarantine) as records,
            (select string_agg(status, ' ' order by id) from requests) as requests`,
  );
  return JSON.stringify(rows);
}

test("every route of the interface says who may call it", () => {
  expect(routesIn(TABLE)).toEqual(routes);
});

test.each([...TABLE.keys()])(
  "%s is answered to each role as it should be, and who is refused changes nothing",
  async (route) => {
    const { method } = routeOf(route);
    const seen = new Map<string, string>();
    for (const [caller, token] of CALLERS) {
      const { url, body } = await subjectOf(route);
      const before = await contents();
      const { status } = await rest.call(method, url, {
        ...(token === undefined ? {} : { token }),
        ...(body === undefined ? {} : { body }),
      });
      seen.set(caller, String(status));
      const isChange = method === "POST" && status < 300;
      expect([caller, (await contents()) !== before]).toEqual([caller, isChange]);
    }
    expect(seen).toEqual(TABLE.get(route));
  },
);
