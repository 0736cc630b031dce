/**
 * Submitting by the Access Request profile: what is not bound to a denial of the submitter's is refused, and leaves nothing. Ids in names are
 * rows of the profile's table of requirements (test/conformance/access-request-profile).
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import {
  type AccessRequestApproval,
  ASKED,
  bound,
  createAccessRequestApproval,
  PDP,
  REASON,
  stranger,
  submission,
  tokenFor,
} from "./access-request-fixture.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { createRestApproval, SECOND, tokenOf } from "./rest-fixture.ts";

let rest: AccessRequestApproval;
beforeAll(async () => {
  rest = await createAccessRequestApproval();
}, 90_000);
afterAll(() => rest.close());

const dana = tokenOf("dana", ["developers"]);
const URN = "urn:openid:authzen:access-request:error:";
const outcome = (answer: Answer) => [answer.status, at(answer, "type")];
const INVALID = [400, `${URN}invalid_denial_binding`];
const NOT_REQUESTABLE = [400, `${URN}not_requestable`];
const EXPIRED = [410, `${URN}expired_denial`];
const denied = () => rest.denyQuestion(dana);
const without = (body: { readonly [name: string]: unknown }, name: string) => ({ ...body, [name]: undefined });

async function requestsIn(): Promise<number> {
  const { rows } = await rest.database.query("select count(*)::int as n from requests");
  return Number(Object(rows[0])["n"]);
}

/** Whatever is tried in `work` leaves no request. */
async function leavesNothing(work: () => Promise<void>): Promise<void> {
  const before = await requestsIn();
  await work();
  expect(await requestsIn()).toBe(before);
}

describe("a binding token", () => {
  test("arap-7-7, arap-21-1-4-2: of another signer, issuer or audience is refused on both endpoints, and leaves no request", () =>
    leavesNothing(async () => {
      const denial = await denied();
      for (const token of [
        tokenFor(denial, {}, stranger),
        tokenFor(denial, { issuer: "https://pdp.example.evil" }),
        tokenFor(denial, { audience: PDP }),
        `${tokenFor(denial).slice(0, -4)}AAAA`,
        "not.a.token",
        randomUUID(),
      ]) {
        expect(outcome(await rest.send(dana, bound(denial, { binding_token: token })))).toEqual(INVALID);
        const own = { token: dana, body: { binding_token: token, justification: REASON } };
        expect(outcome(await rest.call("POST", "/v1/requests", own))).toEqual([
          400,
          "/v1/problems/invalid_denial_binding",
        ]);
      }
    }));

  test("arap-18-2: of somebody else's denial is no denial of the submitter's, by token, by id, or by both", () =>
    leavesNothing(async () => {
      const theirs = await rest.denyQuestion(tokenOf("eve"));
      expect(outcome(await rest.send(dana, submission(theirs)))).toEqual(NOT_REQUESTABLE);
      expect(outcome(await rest.send(dana, bound(theirs, { binding_token: undefined })))).toEqual(NOT_REQUESTABLE);
      const own = { token: dana, body: { binding_token: tokenFor(theirs), justification: REASON } };
      expect(outcome(await rest.call("POST", "/v1/requests", own))).toEqual([404, "/v1/problems/unknown_denial"]);
      const mine = await denied();
      const mixed = bound(mine, { binding_token: tokenFor(theirs) });
      expect(outcome(await rest.send(dana, mixed))).toEqual(INVALID);
      const swapped = {
        token: dana,
        body: { denial_id: mine.id, binding_token: tokenFor(theirs), justification: REASON },
      };
      expect(outcome(await rest.call("POST", "/v1/requests", swapped))).toEqual([
        400,
        "/v1/problems/invalid_denial_binding",
      ]);
    }));

  test("is no permission: of a denial that never came it makes no request, and says to come back", () =>
    leavesNothing(async () => {
      const denial = await denied();
      const unheard = tokenFor(denial, { denialId: randomUUID() });
      const answer = await rest.send(dana, bound(denial, { binding_token: unheard, evaluation_id: undefined }));
      expect([answer.status, at(answer, "code"), answer.headers["retry-after"]]).toEqual([404, "unknown_denial", "1"]);
    }));

  test("arap-10-1-8, arap-21-1-4-7: ends with the earlier of its end and the denial's, and what is echoed has to be what was signed", () =>
    leavesNothing(async () => {
      const now = await rest.store.reads.now();
      const over = await rest.denyQuestion(dana, ASKED, {
        mintedAt: instant(now - 900_000),
        expiresAt: instant(now - 1),
      });
      expect(outcome(await rest.send(dana, submission(over)))).toEqual(EXPIRED);
      const own = { token: dana, body: { binding_token: tokenFor(over), justification: REASON } };
      expect(outcome(await rest.call("POST", "/v1/requests", own))).toEqual([410, "/v1/problems/expired_denial"]);
      const later = rfc3339(instant(now + 3_600_000));
      expect(outcome(await rest.send(dana, bound(await denied(), { expires_at: later })))).toEqual(INVALID);
      expect((await rest.send(dana, bound(await denied(), { expires_at: undefined }))).status).toBe(400);
      expect((await rest.send(dana, bound(await denied(), { expires_at: "soon" }))).status).toBe(400);
    }));

  test("whose hash is of another question than the denial's is refused, although it is signed", () =>
    leavesNothing(async () => {
      const denial = await denied();
      const token = tokenFor(denial, { hash: "another" });
      expect(outcome(await rest.send(dana, bound(denial, { binding_token: token })))).toEqual(INVALID);
    }));

  test("arap-21-1-4-8: is taken on both endpoints, with or without the id, also by another account of the person", async () => {
    expect((await rest.send(dana, submission(await denied()))).status).toBe(202);
    expect((await rest.send(dana, bound(await denied(), { evaluation_id: undefined }))).status).toBe(202);
    for (const named of [true, false]) {
      const denial = await denied();
      const body = {
        binding_token: tokenFor(denial),
        justification: REASON,
        ...(named ? { denial_id: denial.id } : {}),
      };
      const answer = await rest.call("POST", "/v1/requests", { token: dana, body });
      expect([answer.status, at(answer, "request.denial_id")]).toEqual([201, denial.id]);
    }
    const alias = tokenOf("d.other", [], { iss: SECOND, email: "dana@example.org" });
    expect((await rest.send(alias, submission(await denied()))).status).toBe(202);
  });

  test("counts for nothing where the profile is not offered, and there is no such endpoint", async () => {
    const plain = await createRestApproval();
    const denial = await denied();
    const body = { binding_token: tokenFor(denial), justification: REASON };
    expect((await plain.call("POST", "/v1/requests", { token: dana, body })).status).toBe(400);
    expect((await plain.call("POST", "/v1/requests", { token: dana, body: { justification: REASON } })).status).toBe(
      400,
    );
    expect((await plain.call("POST", "/access/v1/requests", { token: dana, body: submission(denial) })).status).toBe(
      404,
    );
    await plain.close();
  }, 60_000);
});

describe("a submission", () => {
  const { subject, resource, action, context } = ASKED;
  test.each<readonly [string, object]>([
    ["another subject", { subject: { ...subject, id: "max" } }],
    ["a property of the subject more", { subject: { ...subject, properties: { level: 3, admin: true } } }],
    ["another resource", { resource: { ...resource, id: "f2" } }],
    ["a property of the resource less", { resource: { type: "file", id: "f1" } }],
    ["another action", { action: { ...action, name: "shred" } }],
    ["another property of the action", { action: { ...action, properties: { soft: true } } }],
    ["another bound context", { context: { device: "lost", business_justification: REASON } }],
    ["a bound context member less", { context: { business_justification: REASON } }],
  ])(
    "arap-10-1-5, arap-4-1, arap-4-2, arap-10-1-3: about %s than was denied is refused, by token and by id",
    (_what, changes) =>
      leavesNothing(async () => {
        const denial = await denied();
        expect(outcome(await rest.send(dana, { ...submission(denial), ...changes }))).toEqual(INVALID);
        const byId = { ...bound(denial, { binding_token: undefined }), ...changes };
        expect(outcome(await rest.send(dana, byId))).toEqual(INVALID);
      }),
  );

  test("arap-4-2, arap-4-3: with another time and more context than was bound is taken", async () => {
    const more = { ...context, time: "11:00", nonce: "2", extra: { a: 1 }, business_justification: REASON };
    expect((await rest.submitted(dana, { context: more })).status).toBe(202);
  });

  test("arap-10-1-6: without token and evaluation id is bound to nothing", () =>
    leavesNothing(async () => {
      const body = bound(await denied(), { binding_token: undefined, evaluation_id: undefined });
      expect(outcome(await rest.send(dana, body))).toEqual(INVALID);
    }));

  test("arap-10-1-7, arap-18-2: by an id that is of no denial is not requestable: made up, of a decision, of no form", () =>
    leavesNothing(async () => {
      const denial = await denied();
      for (const evaluationId of [randomUUID(), denial.decisionId, "eval_1", "", `${denial.id}x`]) {
        const body = bound(denial, { binding_token: undefined, evaluation_id: evaluationId });
        expect(outcome(await rest.send(dana, body))).toEqual(NOT_REQUESTABLE);
      }
    }));

  test("arap-18-3, arap-7-1-3: by evaluation id goes by the recorded end, whatever is echoed", () =>
    leavesNothing(async () => {
      const now = await rest.store.reads.now();
      const over = await rest.denyQuestion(dana, ASKED, {
        mintedAt: instant(now - 900_000),
        expiresAt: instant(now - 1),
      });
      const later = rfc3339(instant(now + 3_600_000));
      const body = bound(over, { binding_token: undefined, expires_at: later });
      expect(outcome(await rest.send(dana, body))).toEqual(EXPIRED);
    }));

  test("of a call that an enforcer stopped, and not of a question, cannot be compared, so it is refused", () =>
    leavesNothing(async () => {
      const call = await rest.denyTo(dana);
      expect(outcome(await rest.send(dana, bound(call, { binding_token: undefined })))).toEqual(INVALID);
    }));

  test("arap-10-1-1, arap-10-1-2, arap-10-1-4: has subject, resource, action and denial, and is one: bundles are refused", () =>
    leavesNothing(async () => {
      const whole = submission(await denied());
      for (const name of ["subject", "resource", "action", "denial"]) {
        expect((await rest.send(dana, without(whole, name))).status).toBe(400);
      }
      const items = [{ resource, action }, { resource }];
      expect((await rest.send(dana, { ...whole, items })).status).toBe(400);
      expect((await rest.send(dana, { subject, items, denial: whole["denial"] })).status).toBe(400);
    }));

  test("arap-13-1, arap-13-2: with a callback is refused, wherever that is: nobody is called", () =>
    leavesNothing(async () => {
      const whole = submission(await denied());
      for (const endpoint of [
        "https://example.org/hook",
        "http://127.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "https://0x7f.1/",
      ]) {
        const answer = await rest.send(dana, { ...whole, callback: { endpoint, events: ["approved"] } });
        expect([answer.status, at(answer, "errors.0.pointer")]).toEqual([400, "/callback"]);
      }
    }));

  test("arap-19-1-1, arap-10-1-9, arap-19-1-2: that claims another actor than its credential shows is refused; the rest of client counts for nothing", async () => {
    const agent = (id: string, act?: object) => ({
      actor: { id, issuer: "https://agents.example", ...(act ? { act } : {}) },
    });
    await leavesNothing(async () => {
      const whole = submission(await denied());
      expect((await rest.send(dana, { ...whole, client: agent("bot") })).status).toBe(400);
      const one = tokenOf("dana", [], { act: { sub: "bot", iss: "https://agents.example" } });
      expect((await rest.send(one, { ...whole, client: agent("other") })).status).toBe(400);
      const second = { id: "other", issuer: "https://agents.example" };
      expect((await rest.send(one, { ...whole, client: agent("bot", second) })).status).toBe(400);
      expect((await rest.send(one, { ...whole, client: { actor: { id: "bot" } } })).status).toBe(400);
    });
    const loud = { id: "console", name: "Console", source: { session_id: "1", groups: ["managers"] } };
    const answer = await rest.submitted(dana, { client: loud });
    const { body } = await rest.call("GET", `/v1/requests/${textAt(answer, "task.id")}`, { token: dana });
    expect(JSON.stringify(body)).not.toContain("session_id");
    expect(body).toMatchObject({ request: { requester: { actors: [] }, requirement: { group: expect.anything() } } });
  });

  test("arap-15-3-1: with members that nobody knows is the same without them", async () => {
    const denial = await denied();
    const whole = submission(denial);
    const more = {
      ...whole,
      extra: 1,
      requested_access: { role: "admin" },
      subject: { ...Object(whole["subject"]), extra: 1 },
    };
    expect(
      (await rest.send(dana, { ...more, denial: { ...Object(whole["denial"]), template: "t", extra: [] } })).status,
    ).toBe(202);
  });

  test("that is no JSON of ours is 400 and never a fault: half a surrogate pair, nested a hundred deep, under a key or not", () =>
    leavesNothing(async () => {
      const whole = JSON.stringify(submission(await denied()));
      const deep = whole.replace('"managed"', `${"[".repeat(100)}${"]".repeat(100)}`);
      for (const body of [whole.replace("managed", "\\ud800"), deep, "[]", "null", '"x"', "{"]) {
        for (const headers of [{}, { "idempotency-key": randomUUID() }]) {
          expect((await rest.send(dana, body, headers)).status).toBe(400);
        }
      }
    }));

  test("arap-18-1, arap-19-2: of nobody, by a wrong token or by one in the address is 401 with a challenge", () =>
    leavesNothing(async () => {
      const body = submission(await denied());
      for (const [token, path] of [
        [undefined, ""],
        [`${dana.slice(0, -4)}AAAA`, ""],
        [tokenOf("dana", [], { aud: "orders" }), ""],
        [undefined, `?access_token=${dana}`],
      ] as const) {
        const answer = await rest.call("POST", `/access/v1/requests${path}`, {
          ...(token === undefined ? {} : { token }),
          body,
        });
        expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, 'Bearer realm="countersign"']);
      }
    }));

  test("arap-21-2-1-1: asks for no more than is offered: longer is refused, shorter is shorter, emergency or not", async () => {
    const now = await rest.store.reads.now();
    const until = (ms: number) => ({
      requested_access: { requested_until: rfc3339(instant(now + ms)), emergency: true },
    });
    await leavesNothing(async () => {
      for (const ms of [86_400_000, -1_000])
        expect((await rest.submitted(dana, until(ms))).status).toBeGreaterThanOrEqual(400);
      const emergency = { context: ASKED.context, requested_access: { emergency: true } };
      expect(at(await rest.submitted(dana, emergency), "code")).toBe("justification_required");
    });
    const answer = await rest.submitted(dana, until(300_000));
    const shown = await rest.call("GET", `/v1/requests/${textAt(answer, "task.id")}`, { token: dana });
    expect(textAt(shown, "request.requested.duration")).toMatch(/^(5m|29\ds)$/);
  });
});
