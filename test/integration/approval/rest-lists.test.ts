/** Lists and the record over REST: exactly one's own, exactly what waits, pages that stay while new things come. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sealBatch } from "../../../services/approval/publish/sealer.ts";
import { sealerRows } from "../../../services/approval/store/audit-rows.ts";
import { at, itemsOf, textAt } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, SECOND, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const sam = tokenOf("sam", ["security"]);

/** Ids of one page, and where the next begins. */
async function page(token: string, url: string) {
  const answer = await rest.call("GET", url, { token });
  const items = itemsOf(answer);
  return { ids: items.map((_, n) => textAt(answer, `items.${n}.id`)), next: at(answer, "next") };
}

test("what awaits me is pending, mine to review, not asked by me and not voted on by me", async () => {
  const [max, mia] = [tokenOf("max", ["managers"]), tokenOf("mia", ["managers"])];
  const open = await rest.askAs(tokenOf("dana"));
  const large = await rest.askAs(tokenOf("dana"), { entitlement: "refund", scope: "order/1/amount/500" });
  const own = await rest.askAs(max);
  const ended = await rest.askAs(tokenOf("dana"));
  await rest.vote(mia, ended);
  expect((await page(max, "/v1/requests?awaiting=me")).ids).toEqual([large.id, open.id]);
  expect((await page(mia, "/v1/requests?awaiting=me")).ids).toEqual([own.id, large.id, open.id]);
  await rest.vote(max, large);
  expect((await page(max, "/v1/requests?awaiting=me")).ids).toEqual([open.id]);
  expect((await page(sam, "/v1/requests?awaiting=me")).ids).toEqual([large.id]);
  expect((await page(max, "/v1/requests?view=reviewable&status=approved")).ids).toEqual([ended.id]);
  expect((await page(max, "/v1/requests")).ids).toEqual([own.id]);
  expect((await page(tokenOf("eve"), "/v1/requests?awaiting=me")).ids).toEqual([]);
});

test("what I asked for in somebody's name, by a token that says no more of me than my account, does not await me and is not mine to approve", async () => {
  const [meg, mia] = [tokenOf("meg", ["managers"]), tokenOf("mia", ["managers"])];
  const asked = await rest.askAs(tokenOf("dora", [], { act: { sub: "meg" } }));
  expect((await page(meg, "/v1/requests?awaiting=me")).ids).not.toContain(asked.id);
  expect((await page(mia, "/v1/requests?awaiting=me")).ids).toContain(asked.id);
  expect(await rest.vote(meg, asked)).toMatchObject({ status: 403, body: { code: "is_requester" } });
  expect((await rest.vote(mia, asked)).status).toBe(200);
});

test("what I submitted in somebody's name, of what they were denied in person, is theirs, and neither awaits me nor is mine to approve", async () => {
  const [meg, mia] = [tokenOf("meg", ["managers"]), tokenOf("mia", ["managers"])];
  const denial = await rest.denyTo(tokenOf("dora"));
  const body = { denial_id: denial.id, justification: "the customer was charged twice" };
  const answer = await rest.call("POST", "/v1/requests", { token: tokenOf("dora", [], { act: { sub: "meg" } }), body });
  const asked = { id: textAt(answer, "request.id"), digest: textAt(answer, "request.digest") };
  expect(at(answer, "request.requester.actors")).toEqual([]);
  expect(at(answer, "request.submitted_by")).toMatchObject({ subject: "dora", actors: [{ id: "meg" }] });
  expect((await page(meg, "/v1/requests?awaiting=me")).ids).not.toContain(asked.id);
  expect(await rest.vote(meg, asked)).toMatchObject({ status: 403, body: { code: "is_requester" } });
  const approved = await rest.vote(mia, asked);
  expect(at(approved, "grant.actors")).toEqual([]);
});

test("pages do not move while new requests come, and hold each once", async () => {
  const token = tokenOf("paula");
  const made: string[] = [];
  for (let n = 0; n < 7; n += 1) made.push((await rest.askAs(token)).id);
  const seen: string[] = [];
  let cursor = "";
  for (let n = 0; n < 4; n += 1) {
    const { ids, next } = await page(token, `/v1/requests?limit=2${cursor}`);
    seen.push(...ids);
    await rest.askAs(token);
    if (typeof next !== "string") break;
    cursor = `&cursor=${next}`;
  }
  expect(seen).toEqual(made.toReversed());
});

test("pages walked while four others write hold what was there exactly once, in order, and nothing twice", async () => {
  const token = tokenOf("pia");
  const [made, denied]: [string[], string[]] = [[], []];
  for (let n = 0; n < 40; n += 1) {
    const { id } = await rest.askAs(token);
    made.push(id);
    denied.push(textAt(await rest.call("GET", `/v1/requests/${id}`, { token }), "request.denial_id"));
  }
  let walking = true;
  const writers = Array.from({ length: 4 }, async () => {
    let written = 0;
    for (; walking; written += 1) await rest.askAs(token);
    return written;
  });
  const walk = async (list: string, limit: number) => {
    const seen: string[] = [];
    let cursor = "";
    for (;;) {
      const { ids, next } = await page(token, `${list}?limit=${limit}${cursor}`);
      seen.push(...ids);
      if (typeof next !== "string") return seen;
      cursor = `&cursor=${next}`;
    }
  };
  const walks = await Promise.all([walk("/v1/requests", 3), walk("/v1/requests", 7), walk("/v1/requests", 1)]);
  const denials = await walk("/v1/denials", 5);
  walking = false;
  const written = await Promise.all(writers);
  expect(written.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(8);
  for (const { seen, stood } of [...walks.map((seen) => ({ seen, stood: made })), { seen: denials, stood: denied }]) {
    expect(seen.filter((id) => stood.includes(id))).toEqual(stood.toReversed());
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(seen.toSorted().toReversed());
  }
});

test("the grants that I may revoke are listed as such, page by page, and no other", async () => {
  const [gina, other] = [tokenOf("gwen"), tokenOf("glen")];
  const act = { sub: "gwen-agent", email: "gwen@example.org" };
  const refund = { entitlement: "refund", scope: "order/9/amount/500" };
  const [max, mia] = [tokenOf("max", ["managers"]), tokenOf("mia", ["managers"])];
  const machine = tokenOf("gadget", ["managers"], { kind: "machine" });
  const large = await rest.askAs(other, refund);
  await rest.vote(max, large);
  const granted = [
    await rest.vote(max, await rest.askAs(gina)),
    await rest.vote(max, await rest.askAs(tokenOf("glen", [], { act }))),
    await rest.vote(sam, large),
  ].map((answer) => textAt(answer, "grant.id"));
  /** All of them, by pages of one. */
  const reviewable = async (token: string, state = "") => {
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const { ids, next } = await page(token, `/v1/grants?view=reviewable&limit=1${state}${cursor}`);
      seen.push(...ids);
      if (typeof next !== "string") return seen.filter((id) => granted.includes(id));
      cursor = `&cursor=${next}`;
    }
  };
  const [own, agents, refunded] = granted;
  expect(await reviewable(gina)).toEqual([agents, own]);
  expect(await reviewable(other)).toEqual([refunded, agents]);
  expect(await reviewable(max)).toEqual([refunded, agents, own]);
  expect(await reviewable(sam)).toEqual([refunded]);
  // What is listed is what may be revoked, as far as nobody did: tried from those who may the least.
  for (const token of [tokenOf("eve"), machine, gina, other, mia]) {
    for (const id of granted) {
      const state = textAt(await rest.call("GET", `/v1/grants/${id}`, { token: sam }), "state");
      const listed = [...(await reviewable(token)), ...(await reviewable(token, "&state=revoked"))];
      const { status } = await rest.call("POST", `/v1/grants/${id}/revoke`, { token, body: {} });
      expect([id, status]).toEqual([id, !listed.includes(id) ? 404 : state === "active" ? 200 : 409]);
    }
  }
  expect((await page(mia, "/v1/grants?view=reviewable&state=active")).ids).not.toContain(own);
});

test("of the grants that I may revoke those that are over are listed by their state alone, and those that begin later with the others", async () => {
  const [mona, owner] = [tokenOf("mona", ["managers"]), tokenOf("otto")];
  const granted = async (narrowing?: object) => {
    const answer = await rest.vote(mona, await rest.askAs(owner), { narrowing });
    return textAt(answer, "grant.id");
  };
  const soon = new Date((await rest.store.reads.now()) + 3_600_000).toISOString();
  const [active, scheduled] = [await granted(), await granted({ not_before: soon })];
  const [revoked, consumed, expired] = [await granted(), await granted(), await granted()];
  await rest.call("POST", `/v1/grants/${revoked}/revoke`, { token: owner, body: {} });
  await rest.database.query("update grants set state = 'consumed' where id = $1", [consumed]);
  const over =
    "update grants set not_before = now() - interval '2 s', expires_at = now() - interval '1 s' where id = $1";
  await rest.database.query(over, [expired]); // by time: no sweep has seen it
  const all = [active, scheduled, revoked, consumed, expired];
  for (const token of [mona, owner]) {
    const listed = async (query: string) =>
      (await page(token, `/v1/grants?limit=200&${query}`)).ids.filter((id) => all.includes(id));
    expect(await listed("view=reviewable")).toEqual([scheduled, active]);
    for (const [state, id] of Object.entries({ active, scheduled, revoked, consumed, expired })) {
      expect([state, await listed(`view=reviewable&state=${state}`)]).toEqual([state, [id]]);
    }
    expect(await listed("view=mine")).toEqual(token === owner ? all.toReversed() : []);
  }
});

test("the requests of a denial are found by it, of those that I may see", async () => {
  const token = tokenOf("dick");
  const [one, two] = [await rest.askAs(token), await rest.askAs(token)];
  const denial = textAt(await rest.call("GET", `/v1/requests/${one.id}`, { token }), "request.denial_id");
  const found = async (who: string, view: string) =>
    (await page(who, `/v1/requests?denial_id=${denial}&view=${view}`)).ids;
  expect(await found(token, "mine")).toEqual([one.id]);
  expect(await found(tokenOf("max", ["managers"]), "reviewable")).toEqual([one.id]);
  expect(await found(sam, "all")).toEqual([one.id]);
  expect(await found(tokenOf("eve"), "mine")).toEqual([]);
  const body = { reason: "not needed" };
  await rest.call("POST", `/v1/requests/${one.id}/cancel`, { token, body });
  expect(await found(token, "mine&status=cancelled")).toEqual([one.id]);
  expect((await page(token, `/v1/requests?denial_id=${two.id}`)).ids).toEqual([]);
  const refused = await rest.call("GET", "/v1/requests?denial_id=42", { token });
  expect([refused.status, at(refused, "code")]).toEqual([400, "invalid_request"]);
});

test("grants and denials are listed to whoever they are of, and filtered", async () => {
  const token = tokenOf("gina");
  const granted = await rest.vote(tokenOf("max", ["managers"]), await rest.askAs(token));
  const grant = textAt(granted, "grant.id");
  expect((await page(token, "/v1/grants")).ids).toEqual([grant]);
  expect((await page(token, "/v1/grants?state=revoked")).ids).toEqual([]);
  expect((await page(tokenOf("max", ["managers"]), "/v1/grants")).ids).toEqual([]);
  expect((await page(sam, "/v1/grants?view=all&state=active")).ids).toContain(grant);
  expect((await page(token, "/v1/denials")).ids).toEqual([textAt(granted, "grant.denial_id")]);
});

test("what one account was denied is listed under every account of the same person, and under nobody else's", async () => {
  const token = tokenOf("nora");
  const elsewhere = tokenOf("nora-2", [], { iss: SECOND, email: "NORA@example.org" });
  const [here, there] = [await rest.denyTo(token), await rest.denyTo(elsewhere)];
  const nobody = tokenOf("nora-3", [], { iss: SECOND, email: undefined });
  const lost = await rest.denyTo(nobody);
  for (const account of [token, elsewhere]) {
    expect((await page(account, "/v1/denials")).ids).toEqual([there.id, here.id]);
    expect((await page(account, "/v1/denials?limit=1")).ids).toEqual([there.id]);
  }
  // Without a person there is the account alone: two without one are not the same.
  expect((await page(nobody, "/v1/denials")).ids).toEqual([lost.id]);
  expect((await page(tokenOf("norbert", [], { email: undefined }), "/v1/denials")).ids).toEqual([]);
  expect((await page(tokenOf("eve"), "/v1/denials")).ids).toEqual([]);
});

test("the record pages through every sealed event once, in order", async () => {
  while ((await rest.database.transaction("seal", (tx) => sealBatch(tx, sealerRows, 50))) > 0);
  const { rows } = await rest.database.query<{ index: string }>(
    "select leaf_index as index from audit_log order by leaf_index",
  );
  expect(rows.length).toBeGreaterThan(20);
  const seen: string[] = [];
  let after = "0";
  for (;;) {
    const answer = await rest.call("GET", `/v1/audit?limit=7&after=${after}`, { token: sam });
    const items = itemsOf(answer);
    seen.push(...items.map((_, n) => textAt(answer, `items.${n}.index`)));
    const next = textAt(answer, "next");
    if (items.length === 0) {
      expect(next).toBe(after);
      break;
    }
    expect(next).toBe(textAt(answer, `items.${items.length - 1}.sequence`));
    after = next;
  }
  expect(seen).toEqual(rows.map(({ index }) => index));
  expect(seen.map(Number)).toEqual(seen.map((_, n) => n));
});
