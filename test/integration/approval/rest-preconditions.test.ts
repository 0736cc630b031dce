/** `ETag` and `If-Match`: a write goes through only on what its caller saw, decided under the lock. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const dana = tokenOf("dana", ["engineers"]);
const max = tokenOf("max", ["managers"]);
const mia = tokenOf("mia", ["managers"]);
const sam = tokenOf("sam", ["security"]);
const said = (answer: Answer) => [answer.status, at(answer, "code")];
const LARGE = { entitlement: "refund", scope: "order/1/amount/500" };

async function tagOf(url: string, token = sam): Promise<string> {
  const { headers } = await rest.call("GET", url, { token });
  return String(headers["etag"]);
}
const write = (url: string, token: string, body: unknown, tag: string) =>
  rest.call("POST", url, { token, body, headers: { "if-match": tag } });

test("a vote on a request that got another vote meanwhile is 412, changes nothing and is on no record", async () => {
  const request = await rest.askAs(dana, LARGE);
  const url = `/v1/requests/${request.id}`;
  const tag = await tagOf(url);
  await rest.vote(max, request);
  expect(await tagOf(url)).not.toBe(tag);
  const events = await rest.outboxTypes();
  const vote = { vote: "deny", digest: request.digest, comment: "no" };
  const stale = await write(`${url}/reviews`, sam, vote, tag);
  expect(said(stale)).toEqual([412, "precondition_failed"]);
  expect(at(stale, "errors.0.pointer")).toBe("/headers/if-match");
  expect(await rest.outboxTypes()).toEqual(events);
  const current = await write(`${url}/reviews`, sam, vote, await tagOf(url));
  expect(at(current, "request.status")).toBe("denied");
  expect(current.headers["etag"]).toBe(await tagOf(url));
});

test("a cancellation of a request that was approved meanwhile is 412, and with the new tag the rule's own refusal", async () => {
  const request = await rest.askAs(dana);
  const url = `/v1/requests/${request.id}`;
  const tag = await tagOf(url, dana);
  await rest.vote(max, request);
  expect(said(await write(`${url}/cancel`, dana, {}, tag))).toEqual([412, "precondition_failed"]);
  expect(said(await write(`${url}/cancel`, dana, {}, await tagOf(url)))).toEqual([409, "not_pending"]);
});

test("a revocation of a grant that was used meanwhile is 412; with its tag of now it ends", async () => {
  const granted = await rest.vote(max, await rest.askAs(dana, { maxUses: 5 }));
  const grantId = textAt(granted, "grant.id");
  const url = `/v1/grants/${grantId}`;
  const tag = await tagOf(url);
  await rest.database.query("update grants set uses = uses + 1, version = version + 1 where id = $1", [grantId]);
  expect(said(await write(`${url}/revoke`, max, {}, tag))).toEqual([412, "precondition_failed"]);
  const ended = await write(`${url}/revoke`, max, {}, await tagOf(url));
  expect([ended.status, at(ended, "state")]).toEqual([200, "revoked"]);
});

test("of two votes on one tag at once, one goes through", async () => {
  const request = await rest.askAs(dana, LARGE);
  const url = `/v1/requests/${request.id}`;
  const tag = await tagOf(url);
  const vote = { vote: "approve", digest: request.digest };
  const answers = await Promise.all([max, mia, sam].map((token) => write(`${url}/reviews`, token, vote, tag)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
});

test("a tag is one of a list, weak ones never match, * matches whatever is there", async () => {
  const [one, two] = [await rest.askAs(dana), await rest.askAs(dana)];
  const tag = await tagOf(`/v1/requests/${one.id}`);
  const cancel = (id: string, ifMatch: string) => write(`/v1/requests/${id}/cancel`, dana, {}, ifMatch);
  expect(said(await cancel(one.id, `W/${tag}`))).toEqual([412, "precondition_failed"]);
  expect((await cancel(one.id, `"other", ${tag}`)).status).toBe(200);
  expect((await cancel(two.id, "*")).status).toBe(200);
});

test.each(["", "abc", '"a', '"a" "b"', "*, *"])("If-Match: %s is 400 that names the header", async (tag) => {
  const request = await rest.askAs(dana);
  const answer = await write(`/v1/requests/${request.id}/cancel`, dana, {}, tag);
  expect([...said(answer), at(answer, "errors.0.pointer")]).toEqual([400, "invalid_request", "/headers/if-match"]);
});

test("what somebody may not see tells nothing by a tag: 404 before 412", async () => {
  const request = await rest.askAs(dana);
  const answer = await write(`/v1/requests/${request.id}/cancel`, tokenOf("eve"), {}, '"x"');
  expect(said(answer)).toEqual([404, "unknown_request"]);
  const granted = await rest.vote(max, await rest.askAs(dana));
  const grant = await write(`/v1/grants/${textAt(granted, "grant.id")}/revoke`, tokenOf("eve"), {}, '"x"');
  expect(said(grant)).toEqual([404, "unknown_grant"]);
});
