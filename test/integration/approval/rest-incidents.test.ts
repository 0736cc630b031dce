/** Incidents over REST: opened and closed once each, on record, by nobody but security; and bounded, since all open ones are in every input. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { MOST_OPEN_INCIDENTS } from "../../../core/domain/incident.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const sam = tokenOf("sam", ["security"]);
const BODY = { severity: "high", scope: "orders", title: "Orders are sent twice" };
const said = (answer: Answer) => [answer.status, at(answer, "code")];
const open = (body: unknown = BODY, headers = {}) => rest.call("POST", "/v1/incidents", { token: sam, body, headers });
const close = (id: string, body: unknown = {}, headers = {}) =>
  rest.call("POST", `/v1/incidents/${id}/close`, { token: sam, body, headers });
const get = (id: string) => rest.call("GET", `/v1/incidents/${id}`, { token: sam });
const openIds = async () => {
  const items = at(await rest.call("GET", "/v1/incidents?limit=200", { token: sam }), "items");
  return Array.isArray(items) ? items.map((item: { id: string }) => item.id) : [];
};

test("one that is opened is listed, then closed with its reason, and both are on record under the name of whoever did it", async () => {
  const opened = await open();
  const id = textAt(opened, "id");
  expect([opened.status, opened.headers["location"]]).toEqual([201, `/v1/incidents/${id}`]);
  expect(await openIds()).toContain(id);
  expect((await get(id)).headers["etag"]).toBe(opened.headers["etag"]);

  const closed = await close(id, { reason: "a queue was read twice" });
  expect([closed.status, at(closed, "state"), at(closed, "opened_at")]).toEqual([
    200,
    "closed",
    at(opened, "opened_at"),
  ]);
  expect(await openIds()).not.toContain(id);
  expect(at(await rest.call("GET", "/v1/incidents?state=closed", { token: sam }), "items.0.id")).toBe(id);
  const { rows } = await rest.database.query(
    `select event ->> 'type' as type, event ->> 'subject' as subject, event #>> '{data,by,subject}' as by,
            coalesce(event #>> '{data,title}', event #>> '{data,reason}') as text
       from outbox where event #>> '{data,incident_id}' = $1 order by id`,
    [id],
  );
  const about = { subject: `incident/${id}`, by: "sam" };
  expect(rows).toEqual([
    { type: "countersign.incident.opened.v1", ...about, text: BODY.title },
    { type: "countersign.incident.closed.v1", ...about, text: "a queue was read twice" },
  ]);
});

test("of eight who close it at once one does; the others are told, and the record says it once", async () => {
  const id = textAt(await open(), "id");
  const answers = await Promise.all(Array.from({ length: 8 }, () => close(id)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(7).fill(409)]);
  expect(said(await close(id))).toEqual([409, "already_closed"]);
  const { rows } = await rest.database.query(
    "select count(*)::int as told from outbox where event #>> '{data,incident_id}' = $1 and event ->> 'type' like '%closed%'",
    [id],
  );
  expect(rows).toEqual([{ told: 1 }]);
});

test("an agent that acts for somebody of security sees it, and neither opens one nor closes it, nor revokes a grant of others", async () => {
  const bot = tokenOf("sam", ["security"], { act: { sub: "bot" } });
  const id = textAt(await open(), "id");
  const granted = await rest.vote(tokenOf("max", ["managers"]), await rest.askAs(tokenOf("dana")));
  const grant = `/v1/grants/${textAt(granted, "grant.id")}`;
  const calls: readonly (readonly [string, object])[] = [
    ["/v1/incidents", BODY],
    [`/v1/incidents/${id}/close`, {}],
    [`${grant}/revoke`, {}],
  ];
  for (const [url, body] of calls) {
    expect([url, ...said(await rest.call("POST", url, { token: bot, body }))]).toEqual([
      url,
      403,
      "security_in_person",
    ]);
  }
  expect(at(await rest.call("GET", `/v1/incidents/${id}`, { token: bot }), "state")).toBe("open");
  expect(at(await rest.call("GET", grant, { token: bot }), "state")).toBe("active");
  expect((await rest.call("POST", `${grant}/revoke`, { token: sam, body: {} })).status).toBe(200);
});

test("a repeat with its idempotency key opens no second one, and a close on an old tag is 412", async () => {
  const key = { "idempotency-key": randomUUID() };
  const [first, again] = [await open(BODY, key), await open(BODY, key)];
  expect([again.body, again.headers["idempotency-replayed"]]).toEqual([first.body, "true"]);
  const id = textAt(first, "id");
  expect(said(await close(id, {}, { "if-match": '"another"' }))).toEqual([412, "precondition_failed"]);
  expect((await close(id, {}, { "if-match": String(first.headers["etag"]) })).status).toBe(200);
});

test.each([
  ["a title of which nothing can be seen", { ...BODY, title: " \u200b" }],
  ["a severity that is none", { ...BODY, severity: "urgent" }],
  ["no scope", { ...BODY, scope: "" }],
  ["a scope that no column takes", { ...BODY, scope: "or\0ders" }],
  ["a long scope", { ...BODY, scope: "x".repeat(513) }],
  ["an unknown member", { ...BODY, allow: true }],
])("%s is 400 and opens nothing", async (_what, body) => {
  const before = await openIds();
  expect(said(await open(body))).toEqual([400, "invalid_request"]);
  expect(await openIds()).toEqual(before);
});

test("however many are opened at once, no more are open than every input may hold", async () => {
  const room = MOST_OPEN_INCIDENTS - (await openIds()).length;
  const answers = await Promise.all(Array.from({ length: room + 5 }, () => open()));
  const refused = answers.filter(({ status }) => status !== 201);
  expect(refused.map((answer) => said(answer).join(" "))).toEqual(Array(5).fill("409 too_many_incidents"));
  const ids = await openIds();
  expect(ids).toHaveLength(MOST_OPEN_INCIDENTS);
  await close(ids[0] ?? "");
  expect((await open()).status).toBe(201);
});
