/** What REST answers on the way from a denial to a grant and its end, refusals first: each has its own status and code, and changes nothing. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { type Answer, at, itemsOf, textAt } from "./rest-answer.ts";
import { createRestApproval, offering, type RestApproval, SECOND, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const dana = tokenOf("dana", ["engineers"]);
const max = tokenOf("max", ["managers"]);
const mia = tokenOf("mia", ["managers"]);
const sam = tokenOf("sam", ["security"]);
const WHY = "the customer was charged twice";
const NO_ID = "01930000-0000-7000-8000-0000000000ff";

const said = ({ status, body }: Answer) => ({ status, code: at({ body }, "code") });
const submit = (body: object, token = dana) => rest.call("POST", "/v1/requests", { token, body });

describe("a submit is refused", () => {
  test("of a denial that is unknown, or somebody else's: 404 alike, to be tried again in a second", async () => {
    const { id } = await rest.denyTo(dana);
    for (const answer of [
      await submit({ denial_id: NO_ID, justification: WHY }),
      await submit({ denial_id: id, justification: WHY }, max),
    ]) {
      expect(said(answer)).toEqual({ status: 404, code: "unknown_denial" });
      expect(answer.headers["retry-after"]).toBe("1");
    }
  });

  test("that has lapsed, says nothing, asks for more, or for what is not offered", async () => {
    const lapsed = await rest.denyTo(dana, { expiresAt: instant(1_000) });
    expect(said(await submit({ denial_id: lapsed.id, justification: WHY }))).toEqual({
      status: 410,
      code: "expired_denial",
    });
    const { id } = await rest.denyTo(dana);
    const refused = async (more: object) => said(await submit({ denial_id: id, justification: WHY, ...more }));
    for (const justification of ["", "short", "\u200b".repeat(40)]) {
      expect(await refused({ justification })).toEqual({ status: 422, code: "justification_required" });
    }
    for (const requested of [{ max_uses: 6 }, { duration: "2h" }, { max_uses: "unlimited" }]) {
      expect(await refused({ requested })).toEqual({ status: 422, code: "exceeds_offer" });
    }
    expect(await refused({ elevation: { entitlement: "other" } })).toEqual({ status: 422, code: "unknown_elevation" });
  });

  test.each<[string, unknown, string]>([
    ["an unknown key", { denial_id: NO_ID, justification: WHY, scope: "all" }, "invalid_request"],
    ["a wrong type", { denial_id: 7 }, "invalid_request"],
    ["an id in capitals", { denial_id: NO_ID.toUpperCase() }, "invalid_request"],
    ["a number as text", { denial_id: NO_ID, requested: { max_uses: "5" } }, "invalid_request"],
    ["a length out of range", { denial_id: NO_ID, requested: { duration: "99999999h" } }, "invalid_request"],
    [
      "a day that does not exist",
      { denial_id: NO_ID, requested: { not_before: "2026-02-30T00:00:00Z" } },
      "invalid_request",
    ],
    ["no JSON", "{", "invalid_request"],
    ["a prototype", '{"__proto__":{"denial_id":"x"}}', "invalid_request"],
  ])("with %s: 400 that names the place", async (_name, body, code) => {
    const headers = typeof body === "string" ? { "content-type": "application/json" } : {};
    const answer = await rest.call("POST", "/v1/requests", { token: dana, body, headers });
    expect(said(answer)).toEqual({ status: 400, code });
    expect(answer.headers["content-type"]).toContain("application/problem+json");
  });

  test("in another form 415, too large 413", async () => {
    const text = { token: dana, body: "denial", headers: { "content-type": "text/plain" } };
    expect(said(await rest.call("POST", "/v1/requests", text)).status).toBe(415);
    expect(said(await submit({ denial_id: NO_ID, justification: "x".repeat(70_000) })).status).toBe(413);
  });
});

describe("a request", () => {
  test("is made once: the same denial again gives the same one, and a live grant is named", async () => {
    const { id } = await rest.denyTo(dana, offering({ scope: "order/once" }));
    const first = await submit({ denial_id: id, justification: WHY, requested: { max_uses: 2, duration: "10m" } });
    expect(first.status).toBe(201);
    expect(first.headers["location"]).toBe(`/v1/requests/${textAt(first, "request.id")}`);
    const again = await submit({ denial_id: id, justification: "another reason, given later" });
    expect([again.status, textAt(again, "request.id")]).toEqual([200, textAt(first, "request.id")]);
    const request = { id: textAt(first, "request.id"), digest: textAt(first, "request.digest") };
    const grantId = textAt(await rest.vote(max, request), "grant.id");
    const third = await submit({ denial_id: id, justification: WHY });
    expect(said(third)).toEqual({ status: 409, code: "already_granted" });
    expect(at(third, "grant_id")).toBe(grantId);
  });

  test("is not reviewed by its requester, under any account, nor by who is in no set; each try is on record", async () => {
    const request = await rest.askAs(dana);
    const elsewhere = tokenOf("dana", ["managers"], { iss: SECOND, sub: "c-17" });
    const before = (await rest.outboxTypes()).length;
    expect(said(await rest.vote(dana, request))).toEqual({ status: 403, code: "is_requester" });
    expect(said(await rest.vote(elsewhere, request))).toEqual({ status: 403, code: "is_requester" });
    expect(said(await rest.vote(sam, request))).toEqual({ status: 403, code: "not_eligible" });
    expect((await rest.outboxTypes()).slice(before)).toEqual(
      Array.from({ length: 3 }, () => "countersign.review.refused.v1"),
    );
  });

  test("is reviewed as it was shown, never for more, and a denial says why", async () => {
    const request = await rest.askAs(dana);
    const stale = { ...request, digest: "0".repeat(64) };
    expect(said(await rest.vote(max, stale))).toEqual({ status: 409, code: "digest_mismatch" });
    const wider = { narrowing: { max_uses: 6 } };
    expect(said(await rest.vote(max, request, wider))).toEqual({ status: 422, code: "widens" });
    expect(said(await rest.vote(max, request, { vote: "deny" }))).toEqual({ status: 422, code: "reason_required" });
    const exact = { narrowing: { binding: "exact" } };
    expect(said(await rest.vote(max, request, exact))).toEqual({ status: 422, code: "not_bindable" });
    const less = await rest.vote(max, request, { narrowing: { max_uses: 1, duration: "10m" } });
    expect(at(less, "grant.max_uses")).toBe(1);
    expect(said(await rest.vote(mia, request))).toEqual({ status: 409, code: "not_pending" });
  });

  test("is cancelled by its requester alone, once", async () => {
    const request = await rest.askAs(dana);
    const cancel = (token: string) => rest.call("POST", `/v1/requests/${request.id}/cancel`, { token, body: {} });
    expect(said(await cancel(max))).toEqual({ status: 403, code: "not_requester" });
    expect((await cancel(dana)).status).toBe(200);
    expect(said(await cancel(dana))).toEqual({ status: 409, code: "not_pending" });
  });

  test("ends once among twenty who vote at the same moment, and leaves one grant", async () => {
    const request = await rest.askAs(dana);
    const managers = Array.from({ length: 20 }, (_, n) => tokenOf(`manager-${n}`, ["managers"]));
    const answers = await Promise.all(managers.map((token) => rest.vote(token, request)));
    const granted = answers.filter((answer) => answer.status === 200);
    expect(granted).toHaveLength(1);
    expect(answers.filter((answer) => said(answer).code === "not_pending")).toHaveLength(19);
  });
});

describe("a grant", () => {
  test.each([
    ["its requester", () => dana],
    ["a manager", () => mia],
    ["security", () => sam],
  ])("is revoked by %s, once; to a stranger it does not exist", async (_who, by) => {
    const id = textAt(await rest.vote(max, await rest.askAs(dana)), "grant.id");
    const revoke = (token: string) => rest.call("POST", `/v1/grants/${id}/revoke`, { token, body: {} });
    expect(said(await revoke(tokenOf("eve", ["engineers"])))).toEqual({ status: 404, code: "unknown_grant" });
    expect(at(await revoke(by()), "state")).toBe("revoked");
    expect(said(await revoke(by()))).toEqual({ status: 409, code: "already_final" });
  });
});

describe("lists", () => {
  test("awaiting=me holds what waits for one's vote, and no longer once it is given", async () => {
    const request = await rest.askAs(dana);
    const waiting = async (token: string) => {
      const answer = await rest.call("GET", "/v1/requests?awaiting=me&limit=200", { token });
      return itemsOf(answer).map((item) => at({ body: item }, "id"));
    };
    expect(await waiting(max)).toContain(request.id);
    expect(await waiting(dana)).toEqual([]);
    await rest.vote(max, request);
    expect(await waiting(max)).not.toContain(request.id);
  });

  test("pages stay where they are while new requests come, and nothing is shown twice or left out", async () => {
    const lister = tokenOf("lister", ["engineers"]);
    const made: unknown[] = [];
    for (let n = 0; n < 5; n += 1) made.unshift((await rest.askAs(lister)).id);
    const seen: unknown[] = [];
    let cursor = "";
    for (;;) {
      const answer = await rest.call("GET", `/v1/requests?limit=2${cursor}`, { token: lister });
      seen.push(...itemsOf(answer).map((item) => at({ body: item }, "id")));
      await rest.askAs(lister);
      const next = at(answer, "next");
      if (typeof next !== "string") break;
      cursor = `&cursor=${next}`;
    }
    expect(seen).toEqual(made);
  });

  test.each(["limit=0", "limit=201", "limit=x", "cursor=!!", "status=open", "colour=red", "entitlement=%00"])(
    "%s is 400",
    async (query) => {
      expect(said(await rest.call("GET", `/v1/requests?${query}`, { token: dana })).status).toBe(400);
    },
  );
});
