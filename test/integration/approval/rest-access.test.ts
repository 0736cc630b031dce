/**
 * Who may do what over REST: nobody without a good token, and what is not one's own does not exist. Every route of the
 * document; what each role is answered at each is in rest-roles.test.ts, more of the Access Request profile in access-request-tasks.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as sample from "../../samples/tokens.ts";
import { type Answer, at } from "./rest-answer.ts";
import { operationsOf } from "./rest-document.ts";
import { createRestApproval, type RestApproval, SECOND, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const good = tokenOf("somebody", ["managers", "security"]);
const [header = "", payload = "", signature = ""] = good.split(".");
const PAST = { iat: sample.NOW_SECONDS - 900, exp: sample.NOW_SECONDS - 600 };

const REFUSED: readonly {
  readonly who: string;
  readonly code: string;
  readonly authorization: string | undefined;
}[] = [
  { who: "anonymous", code: "authentication_required", authorization: undefined },
  {
    who: "a foreign issuer's token",
    code: "credential_issuer_unknown",
    authorization: `Bearer ${tokenOf("max", ["security"], { iss: "https://foreign.example" })}`,
  },
  { who: "expired", code: "credential_expired", authorization: `Bearer ${tokenOf("max", ["security"], PAST)}` },
  {
    who: "wrong audience",
    code: "credential_audience_wrong",
    authorization: `Bearer ${tokenOf("max", ["security"], { aud: "orders" })}`,
  },
  {
    who: "alg none",
    code: "credential_malformed",
    authorization: `Bearer ${sample.encode('{"alg":"none"}')}.${payload}.`,
  },
  {
    who: "another's signature",
    code: "credential_signature_invalid",
    authorization: `Bearer ${header}.${tokenOf("max", ["security"]).split(".")[1]}.${signature}`,
  },
  { who: "not a bearer token", code: "credential_malformed", authorization: "Basic bWF4OnB3" },
];

/** What may differ between two refusals: nothing but the id of this very call. */
function comparable({ status, headers, body }: Answer) {
  const { "x-request-id": _id, date: _date, ...kept } = headers;
  return { status, headers: kept, body: { ...Object(body), request_id: undefined } };
}

async function contents(): Promise<unknown> {
  const { rows } = await rest.database.query(
    `select (select count(*) from outbox) as events, (select count(*) from requests) as requests, (select count(*) from incidents) as incidents,
            (select count(*) from reviews) as reviews, (select string_agg(state || version, '' order by id) from grants) as grants`,
  );
  return rows;
}

test.each(REFUSED)("$who is 401 on every route, and nothing is done", async ({ code, authorization }) => {
  const before = await contents();
  for (const { name, method, url, body } of operationsOf(rest.app)) {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await rest.call(method, url, { headers, ...(body === undefined ? {} : { body }) });
    expect([name, answer.status, at(answer, "code")]).toEqual([name, 401, code]);
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    const isShown = authorization !== undefined && code !== "authentication_required";
    const challenge = `Bearer realm="countersign"${isShown ? ', error="invalid_token"' : ""}`;
    expect(answer.headers["www-authenticate"]).toBe(challenge);
    expect(answer.headers["cache-control"]).toBe("no-store");
  }
  expect(await contents()).toEqual(before);
});

test("a bad token is refused before the body is looked at", async () => {
  const answer = await rest.call("POST", "/v1/requests", {
    body: "{",
    headers: { "content-type": "application/json" },
  });
  expect([answer.status, at(answer, "code")]).toEqual([401, "authentication_required"]);
});

describe("what belongs to others", () => {
  const dana = tokenOf("dana", ["developers"]);
  const max = tokenOf("max", ["managers"]);
  let urls: readonly { readonly method: "GET" | "POST"; readonly url: string; readonly body?: unknown }[] = [];
  let live: { readonly denial: string; readonly request: string; readonly grant: string; readonly pending: string };

  beforeAll(async () => {
    const denial = await rest.denyTo(dana);
    const asked = await rest.askAs(dana);
    const granted = await rest.vote(max, asked);
    const pending = await rest.askAs(dana);
    live = { denial: denial.id, request: asked.id, grant: String(at(granted, "grant.id")), pending: pending.id };
    const review = { vote: "deny", digest: pending.digest, comment: "no" };
    urls = [
      { method: "GET", url: `/v1/denials/${live.denial}` },
      { method: "GET", url: `/v1/requests/${live.pending}` },
      { method: "GET", url: `/v1/requests/${live.pending}/approvers` },
      { method: "GET", url: `/v1/grants/${live.grant}` },
      { method: "POST", url: `/v1/requests/${live.pending}/reviews`, body: review },
      { method: "POST", url: `/v1/requests/${live.pending}/cancel`, body: {} },
      { method: "POST", url: `/v1/grants/${live.grant}/revoke`, body: {} },
      {
        method: "POST",
        url: "/v1/requests",
        body: { denial_id: live.denial, justification: "the customer was charged" },
      },
    ];
  });

  test.each([
    { who: "another developer", token: tokenOf("eve", ["developers"]) },
    { who: "somebody of no group", token: tokenOf("nobody") },
    {
      who: "a manager of another issuer's realm without a person",
      token: tokenOf("lea", ["managers"], { email: undefined }),
    },
    { who: "a machine account among the managers", token: tokenOf("bot", ["managers"], { kind: "machine" }) },
    { who: "an agent of a manager", token: tokenOf("ann", ["managers"], { act: { sub: "agent" } }) },
    { who: "security of an issuer whose groups do not count", token: tokenOf("sam", ["security"], { iss: SECOND }) },
    { who: "somebody whose address is unverified", token: tokenOf("dana", [], { sub: "x", email_verified: false }) },
  ])("$who is told the same as of what does not exist, and nothing is done", async ({ token }) => {
    const before = await contents();
    const ghost = (text: string) =>
      Object.values(live).reduce((changed, id) => changed.replaceAll(id, "01930000-0000-7000-8000-0000000000ff"), text);
    for (const { method, url, body } of urls) {
      const theirs = await rest.call(method, url, { token, body });
      const nothing: unknown = body === undefined ? undefined : JSON.parse(ghost(JSON.stringify(body)));
      const absent = await rest.call(method, ghost(url), { token, body: nothing });
      expect([url, theirs.status]).toEqual([url, 404]);
      expect(comparable(theirs)).toEqual(comparable(absent));
    }
    for (const view of [
      "/v1/requests",
      "/v1/requests?view=reviewable",
      "/v1/requests?awaiting=me",
      "/v1/grants",
      "/v1/denials",
    ]) {
      expect((await rest.call("GET", view, { token })).body).toEqual({ items: [], next: null });
    }
    expect(await contents()).toEqual(before);
  });

  test("all, and the record, are for security alone, by the issuer that configuration names", async () => {
    for (const url of [
      "/v1/requests?view=all",
      "/v1/grants?view=all",
      "/v1/audit",
      "/v1/quarantine",
      "/v1/incidents",
    ]) {
      for (const token of [dana, max, tokenOf("sam", ["security"], { iss: SECOND }), tokenOf("x", ["Security"])]) {
        const answer = await rest.call("GET", url, { token });
        expect([url, answer.status, at(answer, "code")]).toEqual([url, 403, "security_role_required"]);
      }
      expect((await rest.call("GET", url, { token: tokenOf("sam", ["security"]) })).status).toBe(200);
    }
  });

  test("a manager and security see the request and its grant; the denial is the requester's and security's", async () => {
    const statuses = async (token: string) => {
      const gets = urls.filter(({ method }) => method === "GET");
      return (await Promise.all(gets.map(({ url }) => rest.call("GET", url, { token })))).map(({ status }) => status);
    };
    expect(await statuses(max)).toEqual([404, 200, 200, 200]);
    expect(await statuses(tokenOf("sam", ["security"]))).toEqual([200, 200, 200, 200]);
    expect(await statuses(dana)).toEqual([200, 200, 200, 200]);
    expect(await statuses(tokenOf("d.second", [], { iss: SECOND, email: "Dana@Example.org" }))).toEqual([
      200, 200, 200, 200,
    ]);
  });
});
