/** Requests of the wrong shape over REST: a clear problem that names the place, never a 500, and never a half-done thing. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { at, textAt } from "./rest-answer.ts";
import { operationsOf } from "./rest-document.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const token = tokenOf("sam", ["security"]);
const ID = "01930000-0000-7000-8000-0000000000ff";
const JSON_TYPE = { "content-type": "application/json" };

test.each([
  { what: "an unknown key", body: { denial_id: ID, extra: 1 }, pointer: "/extra" },
  { what: "a key below that is unknown", body: { denial_id: ID, requested: { "a/b": 1 } }, pointer: "/requested/a~1b" },
  { what: "a missing key", body: {}, pointer: "/denial_id" },
  { what: "a wrong type", body: { denial_id: 1 }, pointer: "/denial_id" },
  { what: "an id in upper case", body: { denial_id: ID.toUpperCase() }, pointer: "/denial_id" },
  { what: "no uses", body: { denial_id: ID, requested: { max_uses: 0 } }, pointer: "/requested/max_uses" },
  { what: "half a use", body: { denial_id: ID, requested: { max_uses: 1.5 } }, pointer: "/requested/max_uses" },
  {
    what: "a length of nothing",
    body: { denial_id: ID, requested: { duration: "0s" } },
    pointer: "/requested/duration",
  },
  {
    what: "a length beyond all",
    body: { denial_id: ID, requested: { duration: "99999999h" } },
    pointer: "/requested/duration",
  },
  {
    what: "a time without zone",
    body: { denial_id: ID, requested: { not_before: "2026-11-24T00:00:00" } },
    pointer: "/requested/not_before",
  },
  {
    what: "an end that is no time",
    body: { denial_id: ID, requested: { not_after: "tomorrow" } },
    pointer: "/requested/not_after",
  },
  {
    what: "U+0000 in a name",
    body: { denial_id: ID, elevation: { entitlement: "a\0b" } },
    pointer: "/elevation/entitlement",
  },
  { what: "an array", body: [], pointer: "" },
  { what: "null", body: "null", pointer: "" },
])("$what in a submit is 400 and the problem points at $pointer", async ({ body, pointer }) => {
  const answer = await rest.call("POST", "/v1/requests", { token, body, headers: JSON_TYPE });
  expect([answer.status, at(answer, "code")]).toEqual([400, "invalid_request"]);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(at(answer, "errors")).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]));
});

test.each([
  { what: "__proto__", body: `{"denial_id":"${ID}","__proto__":{"isSecurity":true}}`, status: 400 },
  { what: "constructor.prototype", body: `{"denial_id":"${ID}","constructor":{"prototype":{}}}`, status: 400 },
  { what: "half an object", body: "{", status: 400 },
  { what: "an empty body", body: "", status: 400 },
  { what: "70 KB", body: JSON.stringify({ denial_id: ID, justification: "x".repeat(70_000) }), status: 413 },
  {
    what: "a text over its limit",
    body: JSON.stringify({ denial_id: ID, justification: "x".repeat(4_001) }),
    status: 400,
  },
])("$what as a body is $status", async ({ body, status }) => {
  const answer = await rest.call("POST", "/v1/requests", { token, body, headers: JSON_TYPE });
  expect(answer.status).toBe(status);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
});

test.each([
  { what: "Latin-1", body: Buffer.from(JSON.stringify({ denial_id: ID, justification: "für Müller" }), "latin1") },
  { what: "UTF-16", body: Buffer.from(JSON.stringify({ denial_id: ID }), "utf16le") },
])("$what, by which two texts could become one, is no JSON", async ({ body }) => {
  const headers = { ...JSON_TYPE, authorization: `Bearer ${token}` };
  const answer = await rest.app.inject({ method: "POST", url: "/v1/requests", headers, payload: body });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({
    code: "invalid_request",
    detail: "The body is not one JSON value that can be read.",
  });
});

test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"])(
  "a body of type %s is 415 on every route that reads one",
  async (type) => {
    for (const { method, url, body } of operationsOf(rest.app).filter(({ body }) => body !== undefined)) {
      const answer = await rest.call(method, url, { token, body, headers: { "content-type": type } });
      expect([url, answer.status, at(answer, "code")]).toEqual([url, 415, "unsupported_media_type"]);
    }
  },
);

test.each([
  { url: "/v1/requests?limit=0", pointer: "/querystring/limit" },
  { url: "/v1/requests?limit=201", pointer: "/querystring/limit" },
  { url: "/v1/grants?limit=1e2", pointer: "/querystring/limit" },
  { url: "/v1/requests?limit=1&limit=2", pointer: "/querystring/limit" },
  { url: "/v1/requests?cursor=bm90IGFuIGlk", pointer: "/querystring/cursor" },
  { url: "/v1/grants?cursor=%00", pointer: "/querystring/cursor" },
  { url: "/v1/requests?entitlement=a%00b", pointer: "/querystring/entitlement" },
  { url: "/v1/requests?status=open", pointer: "/querystring/status" },
  { url: "/v1/requests?awaiting=you", pointer: "/querystring/awaiting" },
  { url: "/v1/requests?__proto__=1", pointer: "/querystring/__proto__" },
  { url: "/v1/denials?view=all", pointer: "/querystring/view" },
  { url: "/v1/audit?after=-1", pointer: "/querystring/after" },
  { url: `/v1/audit?after=${"9".repeat(19)}`, pointer: "/querystring/after" },
  { url: "/v1/requests/42", pointer: "/params/id" },
  { url: "/v1/grants/a%00b", pointer: "/params/id" },
])("$url is 400 and the problem points at $pointer", async ({ url, pointer }) => {
  const answer = await rest.call("GET", url, { token });
  expect([answer.status, at(answer, "code")]).toEqual([400, "invalid_request"]);
  expect(at(answer, "errors")).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]));
});

test("the largest position of the record is the end of it", async () => {
  const after = "9".repeat(18);
  expect((await rest.call("GET", `/v1/audit?after=${after}`, { token })).body).toEqual({ items: [], next: after });
});

test.each(["/v1/requests/%zz", `/v1/requests/${"a".repeat(500)}`, "/v1/requests/%ff"])(
  "the address %s is a problem like any other",
  async (url) => {
    const answer = await rest.call("GET", url, { token });
    expect([answer.status, at(answer, "code")]).toEqual([400, "invalid_request"]);
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(answer.headers["cache-control"]).toBe("no-store");
  },
);

test("U+0000 in a group of a token is a credential that cannot be used, on every route", async () => {
  for (const { method, url, body } of operationsOf(rest.app)) {
    const answer = await rest.call(method, url, { token: tokenOf("max", ["managers\0"]), body });
    expect([url, answer.status, at(answer, "code")]).toEqual([url, 401, "credential_claims_invalid"]);
  }
});

test("U+0000 and half a character in free text are kept as U+FFFD", async () => {
  const dana = tokenOf("dana");
  const denial = await rest.denyTo(dana);
  const body = `{"denial_id":"${denial.id}","justification":"charged twice \\u0000 \\ud800 really"}`;
  const asked = await rest.call("POST", "/v1/requests", { token: dana, body, headers: JSON_TYPE });
  expect(textAt(asked, "request.justification")).toBe("charged twice \ufffd \ufffd really");
  const cancelled = await rest.call("POST", `/v1/requests/${textAt(asked, "request.id")}/cancel`, {
    token: dana,
    body: { reason: "a\0b" },
  });
  expect([cancelled.status, at(cancelled, "request.status_reason")]).toEqual([200, "a\ufffdb"]);
});

test("two authorization headers are refused, though both be good, and nothing goes by a method override", async () => {
  const port = Number(new URL(rest.origin).port);
  const bearer = `authorization: Bearer ${token}`;
  const two = await sendRaw(port, rawRequest("GET", "/v1/audit", [bearer, bearer]));
  expect(two.status).toBe(401);
  expect(two.text).toContain("credential_malformed");
  const overridden = await sendRaw(
    port,
    rawRequest("GET", `/v1/grants/${ID}/revoke`, [bearer, "x-http-method-override: POST"]),
  );
  expect(overridden.status).toBe(405);
  expect((await sendRaw(port, rawRequest("GET", "/v1/audit", [bearer]))).status).toBe(200);
});

test("a method that an address does not have is 405 with those it has, whoever asks; an address that is none is 404", async () => {
  for (const { method, url } of operationsOf(rest.app)) {
    const answer = await fetch(`${rest.origin}${url}`, { method: "PUT", body: "x" });
    expect([url, answer.status]).toEqual([url, 405]);
    expect(answer.headers.get("allow")?.split(", ")).toContain(method);
    expect(await answer.json()).toMatchObject({ code: "method_not_allowed" });
  }
  expect((await fetch(`${rest.origin}/v1/other`, { method: "PUT" })).status).toBe(404);
});

test("bytes that are no HTTP are a problem too, and the connection ends", async () => {
  const port = Number(new URL(rest.origin).port);
  const answer = await sendRaw(port, "GET /v1/audit HTTP/9.9\r\nbad header\r\n\r\n");
  expect(answer.status).toBe(400);
  expect(answer.text).toContain("application/problem+json");
  expect(answer.text).toContain('"code":"invalid_request"');
});
