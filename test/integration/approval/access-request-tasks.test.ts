/**
 * Tasks of the Access Request profile: what becomes of a submission, who may look at it, take it back and approve it. Ids in names are rows of
 * the profile's table of requirements (test/conformance/access-request-profile).
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Routing } from "../../../core/domain/routing.ts";
import { durationMs, parseRfc3339 } from "../../../core/domain/time.ts";
import {
  type AccessRequestApproval,
  createAccessRequestApproval,
  ENDPOINT,
  PATH,
  REASON,
  submission,
} from "./access-request-fixture.ts";
import { askPeople, ONE_MANAGER, oneOf, TWO_MANAGERS } from "./approval-fixture.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { SECOND, tokenOf } from "./rest-fixture.ts";

let rest: AccessRequestApproval;
let routing: Routing = ONE_MANAGER;
beforeAll(async () => {
  const policy = { route: async () => routing, mayReview: async () => "allowed" as const };
  rest = await createAccessRequestApproval({ policy });
}, 90_000);
afterAll(() => rest.close());

const dana = tokenOf("dana", ["developers"]);
const alias = tokenOf("d.other", ["managers"], { iss: SECOND, email: "dana@example.org" });
const max = tokenOf("max", ["managers"]);
const eve = tokenOf("eve", ["managers-not"]);
const URN = "urn:openid:authzen:access-request:error:";
const APPROVED: Routing = { kind: "automatic", decision: "approve", reason: "small", limits: undefined };

const taskOf = async (route: Routing = ONE_MANAGER) => {
  routing = route;
  const answer = await rest.submitted(dana);
  routing = ONE_MANAGER;
  return answer;
};
const look = (answer: Answer, token = dana) => rest.call("GET", `${PATH}/${textAt(answer, "task.id")}`, { token });
const cancel = (answer: Answer, token = dana, body?: object) =>
  rest.call("POST", `${PATH}/${textAt(answer, "task.id")}/cancel`, { token, ...(body === undefined ? {} : { body }) });

async function vote(answer: Answer, token: string, more: { readonly [name: string]: unknown } = {}): Promise<Answer> {
  const id = textAt(answer, "task.id");
  const seen = await rest.call("GET", `/v1/requests/${id}`, { token: dana });
  return rest.vote(token, { id, digest: textAt(seen, "request.digest") }, more);
}

describe("the answer to a submission", () => {
  test("arap-10-2-1, arap-10-2-5, arap-11-1-2: is a pending task with its https status endpoint, named by Location too, and never partial", async () => {
    const answer = await taskOf();
    expect(answer.status).toBe(202);
    const endpoint = `${ENDPOINT}/${textAt(answer, "task.id")}`;
    expect(answer.headers["location"]).toBe(endpoint);
    expect(answer.body).toEqual({
      task: {
        id: expect.any(String),
        status: "pending",
        status_endpoint: endpoint,
        expires_at: expect.any(String),
        display: { title: expect.any(String) },
        links: { cancel: `${endpoint}/cancel` },
      },
    });
  });

  test("arap-10-2-2, arap-11-3-1, arap-12-2, arap-21-1-5-1: is 201 with its end where a policy decides at once, and an approval says until when", async () => {
    const answer = await taskOf(APPROVED);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ task: { status: "approved" }, result: { mode: "reevaluate" } });
    const until = parseRfc3339(textAt(answer, "result.approval.approved_until"));
    expect(until).toBeGreaterThan(await rest.store.reads.now());
    const denied = await taskOf({ kind: "automatic", decision: "deny", reason: "never", limits: undefined });
    expect([denied.status, at(denied, "task.status"), at(denied, "result")]).toEqual([201, "denied", undefined]);
  });

  test("arap-10-2-4, arap-12-3: has ids that say nothing: of consecutive tasks they share their time alone, and none is the grant's", async () => {
    const [one, two] = [await taskOf(APPROVED), await taskOf(APPROVED)];
    const ids = [one, two].flatMap((answer) => [textAt(answer, "task.id"), textAt(answer, "result.approval.id")]);
    expect(new Set(ids).size).toBe(4);
    // Behind 48 bits of time, 4 of version and 2 of variant come 74 random ones.
    expect(new Set(ids.map((id) => id.slice(15).replace("-", ""))).size).toBe(4);
  });

  test("arap-10-1-12: under one idempotency key is one task: sent again, with members reordered, fifty at once", async () => {
    const whole = submission(await rest.denyQuestion(dana));
    const headers = { "idempotency-key": randomUUID() };
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(whole).toReversed()), null, 2);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => rest.send(dana, n % 2 === 0 ? whole : reordered, headers)),
    );
    const again = await rest.send(dana, reordered, headers);
    const made = [...answers, again].filter(({ status }) => status === 202);
    expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true);
    expect(new Set(made.map((answer) => textAt(answer, "task.id"))).size).toBe(1);
    expect(again.status).toBe(202);
  });

  test("arap-10-1-13, arap-21-4-3-1: with another body under the same key is refused, and another caller's key is another key", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const first = await rest.submitted(dana, {}, headers);
    const other = await rest.submitted(dana, {}, headers);
    expect([other.status, at(other, "type")]).toEqual([409, `${URN}duplicate_request`]);
    const theirs = await rest.submitted(tokenOf("ann"), {}, headers);
    expect(theirs.status).toBe(202);
    expect(textAt(theirs, "task.id")).not.toBe(textAt(first, "task.id"));
  });

  test("arap-21-1-4-4: to a token that was submitted before is the same task: it makes no second request", async () => {
    const whole = submission(await rest.denyQuestion(dana));
    const first = await rest.send(dana, whole, { "idempotency-key": randomUUID() });
    const second = await rest.send(dana, whole, { "idempotency-key": randomUUID() });
    expect([second.status, textAt(second, "task.id")]).toEqual([202, textAt(first, "task.id")]);
  });
});

describe("a task", () => {
  test("arap-18-4, arap-19-3, arap-21-3-3-1, arap-14-2: is unknown to whoever has no stake in it, whatever they know of it", async () => {
    const task = await taskOf();
    for (const token of [eve, tokenOf("ann")]) {
      for (const answer of [await look(task, token), await cancel(task, token)]) {
        expect([answer.status, at(answer, "type")]).toEqual([404, `${URN}unknown_task`]);
      }
    }
    expect((await rest.call("GET", `${PATH}/${textAt(task, "task.id")}`)).status).toBe(401);
    const random = await rest.call("GET", `${PATH}/${randomUUID()}`, { token: dana });
    expect([random.status, at(random, "type")]).toEqual([404, `${URN}unknown_task`]);
  });

  test("arap-11-4, arap-19-1, arap-11-4-2: may be looked at by its reviewer, who may not take it back, and is shown no way to", async () => {
    const task = await taskOf();
    const seen = await look(task, max);
    expect(seen.status).toBe(200);
    expect(at(seen, "task.links")).toBeUndefined();
    expect((await cancel(task, max)).status).toBe(403);
    expect(at(await look(task), "task.status")).toBe("pending");
    expect((await look(task, alias)).status).toBe(200);
  });

  test("arap-10-2-6, arap-19-3: shows its requester neither approvers nor policies, pending or decided", async () => {
    const task = await taskOf();
    await vote(task, max);
    for (const text of [JSON.stringify(task.body), JSON.stringify((await look(task)).body)]) {
      for (const secret of ["max", "managers", "revision", "requirement", "reviews", "digest"])
        expect(text).not.toContain(secret);
    }
  });

  test("arap-18-6, arap-18-7, arap-21-2-2-1: is not approved before enough other people agreed, none of them the requester under another account", async () => {
    const task = await taskOf(TWO_MANAGERS);
    expect((await vote(task, alias)).status).toBe(403);
    expect((await vote(task, eve)).status).toBe(404);
    expect((await vote(task, max)).status).toBe(200);
    expect((await vote(task, max)).status).toBe(409);
    const pending = await look(task);
    expect([at(pending, "task.status"), at(pending, "result"), pending.headers["retry-after"]]).toEqual([
      "pending",
      undefined,
      "5",
    ]);
    expect((await vote(task, tokenOf("mia", ["managers"]))).status).toBe(200);
    const approved = await look(task);
    expect(approved.body).toMatchObject({
      task: { status: "approved" },
      result: { mode: "reevaluate", approval: { id: expect.any(String), approved_until: expect.any(String) } },
    });
    expect(at(approved, "task.links")).toBeUndefined();
  });

  test("arap-7-1-5, arap-12-13, arap-18-8: leaves a record of the denial, who asked, who agreed, what was granted and until when", async () => {
    const denial = await rest.denyQuestion(dana);
    const task = await rest.send(dana, submission(denial));
    await vote(task, max);
    const id = textAt(task, "task.id");
    const { body } = await rest.call("GET", `/v1/requests/${id}`, { token: dana });
    expect(body).toMatchObject({
      request: {
        ...{ id, denial_id: denial.id, status: "approved", justification: REASON },
        requester: { issuer: denial.subject.issuer, subject: "dana" },
        call: { method: "delete", authority: "file", path: "f1" },
        reviews: [{ reviewer: { id: "max@example.org" }, vote: "approve" }],
      },
      grant: { request_id: id, denial_id: denial.id, subject: "dana", state: "active", expires_at: expect.any(String) },
    });
    const { rows } = await rest.database.query("select event::text as event from outbox where event::text like $1", [
      `%${id}%`,
    ]);
    const told = rows.map((row) => String(Object(row)["event"])).join("\n");
    for (const what of [
      "request.submitted",
      "review.recorded",
      "request.approved",
      "grant.issued",
      denial.id,
      "max@example.org",
    ]) {
      expect(told).toContain(what);
    }
  });

  test("arap-11-4-1: is taken back by a POST with or without a body, and has no way back where it cannot be", async () => {
    for (const body of [undefined, {}, { reason: "mistake", comment: "the wrong file" }]) {
      const answer = await cancel(await taskOf(), dana, body);
      expect([answer.status, at(answer, "task.status"), at(answer, "task.links")]).toEqual([
        200,
        "cancelled",
        undefined,
      ]);
    }
    const other = await rest.call("GET", `${PATH}/${textAt(await taskOf(), "task.id")}/cancel`, { token: dana });
    expect([other.status, other.headers["allow"]]).toEqual([405, "POST"]);
  });

  test("arap-11-4-3, arap-14-1: that has ended is not taken back", async () => {
    const task = await taskOf();
    await cancel(task);
    const again = await cancel(task);
    expect([again.status, at(again, "status"), at(again, "type")]).toEqual([409, 409, `${URN}invalid_task_state`]);
    expect(again.headers["content-type"]).toBe("application/problem+json");
    expect((await cancel(await taskOf(APPROVED))).status).toBe(409);
  });

  test("arap-11-1-1-1: ends once, whoever is faster: ten times a cancellation races an approval", async () => {
    for (let round = 0; round < 10; round += 1) {
      const task = await taskOf();
      const [cancelled, approved] = await Promise.all([cancel(task), vote(task, max)]);
      const { body } = await look(task);
      expect([cancelled.status, approved.status].filter((status) => status === 200)).toHaveLength(1);
      expect(body).toMatchObject({ task: { status: cancelled.status === 200 ? "cancelled" : "approved" } });
    }
  });

  test("arap-11-3-2, arap-18-5: is over when there is nothing left to wait for or to use", async () => {
    const soon = askPeople(oneOf("managers"), { expiresIn: durationMs(1) });
    const task = await taskOf(soon);
    const answer = await look(task);
    expect([answer.status, at(answer, "type")]).toEqual([410, `${URN}task_expired`]);
    expect((await vote(task, max)).status).toBe(409);
  });

  test("arap-11-1-2-1: has the statuses that the page names, each as a request has it", async () => {
    const page = await readFile(join(import.meta.dirname, "../../../docs/authzen.md"), "utf8");
    const row = page.split("\n").find((line) => line.includes("GET …/{id}")) ?? "";
    for (const status of ["pending", "approved", "denied", "expired", "cancelled", "failed"]) {
      expect(row).toContain(`\`${status}\``);
    }
    const failed = await taskOf({ kind: "failed", detail: "no such set" });
    expect([failed.status, at(failed, "task.status")]).toEqual([201, "failed"]);
  });
});

test("arap-14-1, arap-14-2: every error of the profile is problem+json with its URI, and one status in line and body", async () => {
  const denial = await rest.denyQuestion(dana);
  const other = { ...submission(denial), resource: { type: "file", id: "f2" } };
  const key = { "idempotency-key": randomUUID() };
  await rest.submitted(dana, {}, key);
  const answers: readonly (readonly [Answer, string, number])[] = [
    [await rest.send(dana, other), "invalid_denial_binding", 400],
    [await rest.send(eve, submission(denial)), "not_requestable", 400],
    [await rest.submitted(dana, {}, key), "duplicate_request", 409],
    [await rest.call("GET", `${PATH}/${randomUUID()}`, { token: dana }), "unknown_task", 404],
  ];
  for (const [answer, name, status] of answers) {
    expect([answer.status, at(answer, "status"), at(answer, "type")]).toEqual([status, status, URN + name]);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
  }
});

test("arap-21-4-4-2: submissions and polls beyond the rate of an account are 429 and say when to come back", async () => {
  const few = { burst: 2, perMinute: 1 };
  const slow = await createAccessRequestApproval({ limits: { reads: few, writes: few } });
  const task = await slow.submitted(dana);
  await slow.submitted(dana);
  expect(await slow.submitted(dana)).toMatchObject({ status: 429, headers: { "retry-after": expect.any(String) } });
  const poll = () => slow.call("GET", `${PATH}/${textAt(task, "task.id")}`, { token: dana });
  expect([(await poll()).status, (await poll()).status, (await poll()).status]).toEqual([200, 200, 429]);
  await slow.close();
}, 60_000);
