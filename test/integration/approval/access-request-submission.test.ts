/**
 * Submissions of the Access Request profile: what is not about the very question that was denied is refused, and leaves nothing. Ids in names are
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
  EXPIRED,
  INVALID,
  NOT_REQUESTABLE,
  outcome,
  REASON,
  submission,
} from "./access-request-fixture.ts";
import { at, textAt } from "./rest-answer.ts";
import { tokenOf } from "./rest-fixture.ts";

let rest: AccessRequestApproval;
beforeAll(async () => {
  rest = await createAccessRequestApproval();
});
afterAll(() => rest.close());

const dana = tokenOf("dana", ["developers"]);
const denied = () => rest.denyQuestion(dana);
const without = (body: { readonly [name: string]: unknown }, name: string) => ({ ...body, [name]: undefined });

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
      rest.leavesNothing(async () => {
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
    rest.leavesNothing(async () => {
      const body = bound(await denied(), { binding_token: undefined, evaluation_id: undefined });
      expect(outcome(await rest.send(dana, body))).toEqual(INVALID);
    }));

  test("arap-10-1-7, arap-18-2: by an id that is of no denial is not requestable: made up, of a decision, of no form", () =>
    rest.leavesNothing(async () => {
      const denial = await denied();
      for (const evaluationId of [randomUUID(), denial.decisionId, "eval_1", "", `${denial.id}x`]) {
        const body = bound(denial, { binding_token: undefined, evaluation_id: evaluationId });
        expect(outcome(await rest.send(dana, body))).toEqual(NOT_REQUESTABLE);
      }
    }));

  test("arap-18-3, arap-7-1-3: by evaluation id goes by the recorded end, whatever is echoed", () =>
    rest.leavesNothing(async () => {
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
    rest.leavesNothing(async () => {
      const call = await rest.denyTo(dana);
      expect(outcome(await rest.send(dana, bound(call, { binding_token: undefined })))).toEqual(INVALID);
    }));

  test("arap-10-1-1, arap-10-1-2, arap-10-1-4: has subject, resource, action and denial, and is one: bundles are refused", () =>
    rest.leavesNothing(async () => {
      const whole = submission(await denied());
      for (const name of ["subject", "resource", "action", "denial"]) {
        expect((await rest.send(dana, without(whole, name))).status).toBe(400);
      }
      const items = [{ resource, action }, { resource }];
      expect((await rest.send(dana, { ...whole, items })).status).toBe(400);
      expect((await rest.send(dana, { subject, items, denial: whole["denial"] })).status).toBe(400);
    }));

  test("arap-13-1, arap-13-2: with a callback is refused, wherever that is: nobody is called", () =>
    rest.leavesNothing(async () => {
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
    await rest.leavesNothing(async () => {
      const whole = submission(await denied());
      expect((await rest.send(dana, { ...whole, client: agent("bot") })).status).toBe(400);
      const one = tokenOf("dana", [], { act: { sub: "bot", iss: "https://agents.example" } });
      expect((await rest.send(one, { ...whole, client: agent("other") })).status).toBe(400);
      const second = { id: "other", issuer: "https://agents.example" };
      expect((await rest.send(one, { ...whole, client: agent("bot", second) })).status).toBe(400);
      expect((await rest.send(one, { ...whole, client: { actor: { id: "bot" } } })).status).toBe(400);
    });
    const shown = tokenOf("dana", [], { act: { sub: "bot", iss: "https://agents.example" } });
    expect((await rest.send(shown, { ...submission(await denied()), client: agent("bot") })).status).toBe(202);
    const loud = { id: "console", name: "Console", source: { session_id: "1", groups: ["managers"] } };
    const requestOf = async (changes: object) => {
      const answer = await rest.submitted(dana, { ...changes });
      return rest.call("GET", `/v1/requests/${textAt(answer, "task.id")}`, { token: dana });
    };
    const [plain, claimed] = [await requestOf({}), await requestOf({ client: loud })];
    expect(JSON.stringify(claimed.body)).not.toContain("session_id");
    for (const member of ["requester", "submitted_by", "requirement", "status"])
      expect(at(claimed, `request.${member}`)).toEqual(at(plain, `request.${member}`));
    expect(claimed.body).toMatchObject({ request: { requester: { actors: [] }, requirement: expect.anything() } });
  });

  test("arap-15-3-1: with members that nobody knows is the same without them", async () => {
    const plain = await rest.submitted(dana);
    const denial = await denied();
    const whole = submission(denial);
    const more = {
      ...whole,
      extra: 1,
      requested_access: { role: "admin" },
      subject: { ...Object(whole["subject"]), extra: 1 },
    };
    const odd = await rest.send(dana, { ...more, denial: { ...Object(whole["denial"]), template: "t", extra: [] } });
    expect([plain.status, odd.status]).toEqual([202, 202]);
    const requests = await Promise.all(
      [plain, odd].map((answer) => rest.call("GET", `/v1/requests/${textAt(answer, "task.id")}`, { token: dana })),
    );
    const [one, other] = requests.map((answer) =>
      ["requester", "call", "justification", "requested", "requirement"].map((name) => at(answer, `request.${name}`)),
    );
    expect(other).toEqual(one);
    expect(JSON.stringify(requests.at(1)?.body)).not.toContain("admin");
  });

  test("that is no JSON of ours is 400 and never a fault: half a surrogate pair, nested a hundred deep, under a key or not", () =>
    rest.leavesNothing(async () => {
      const whole = JSON.stringify(submission(await denied()));
      const deep = whole.replace('"managed"', `${"[".repeat(100)}${"]".repeat(100)}`);
      for (const body of [whole.replace("managed", "\\ud800"), deep, "[]", "null", '"x"', "{"]) {
        for (const headers of [{}, { "idempotency-key": randomUUID() }]) {
          expect((await rest.send(dana, body, headers)).status).toBe(400);
        }
      }
    }));

  test("arap-18-1, arap-19-2: of nobody, by a wrong token or by one in the address is 401 with a challenge", () =>
    rest.leavesNothing(async () => {
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
        const challenge = `Bearer realm="countersign"${token === undefined ? "" : ', error="invalid_token"'}`;
        expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, challenge]);
      }
    }));

  test("arap-21-2-1-1: asks for no more than is offered: longer is refused, shorter is shorter, emergency or not", async () => {
    const now = await rest.store.reads.now();
    const until = (ms: number) => ({
      requested_access: { requested_until: rfc3339(instant(now + ms)), emergency: true },
    });
    await rest.leavesNothing(async () => {
      for (const [ms, status, code] of [
        [86_400_000, 422, "exceeds_offer"],
        [-1_000, 400, "invalid_request"],
      ] as const) {
        const refused = await rest.submitted(dana, until(ms));
        expect([refused.status, at(refused, "code")]).toEqual([status, code]);
      }
      const emergency = { context: ASKED.context, requested_access: { emergency: true } };
      expect(at(await rest.submitted(dana, emergency), "code")).toBe("justification_required");
    });
    const answer = await rest.submitted(dana, until(300_000));
    const shown = await rest.call("GET", `/v1/requests/${textAt(answer, "task.id")}`, { token: dana });
    expect(at(shown, "request.requested.not_after")).toBe(rfc3339(instant(now + 300_000)));
  });
});
