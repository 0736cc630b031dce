/**
 * What a submission of the Access Request profile is answered: a task, one for each, its errors and its limits. Ids in names are rows of
 * the profile's table of requirements (test/conformance/access-request-profile).
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { durationMs, instant, parseRfc3339 } from "../../../core/domain/time.ts";
import { PROFILE } from "../../../services/approval/rest/access-requests/profile.ts";
import { createAccessRequestApproval, ENDPOINT, PATH, submission, URN } from "./access-request-fixture.ts";
import { APPROVED, createTasks, dana, eve, type Tasks } from "./access-request-tasks-fixture.ts";
import { askPeople, oneOf } from "./approval-fixture.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { offering, tokenOf } from "./rest-fixture.ts";

let tasks: Tasks;
beforeAll(async () => {
  tasks = await createTasks();
});
afterAll(() => tasks.close());

describe("the answer to a submission", () => {
  test("arap-10-2-1, arap-10-2-5, arap-11-1-2: is a pending task with its https status endpoint, named by Location too, and never partial", async () => {
    const answer = await tasks.taskOf();
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

  test("arap-10-2-2, arap-11-3-1, arap-12-2, arap-15-1-1, arap-21-1-5-1: is 201 with its end where a policy decides at once, and an approval says until when, with the members that the draft names and no others", async () => {
    const answer = await tasks.taskOf(APPROVED);
    expect(answer.status).toBe(201);
    const text = expect.any(String);
    expect(answer.body).toEqual({
      task: { id: text, status: "approved", status_endpoint: text, expires_at: text, display: { title: text } },
      result: { mode: "reevaluate", approval: { id: text, approved_at: text, approved_until: text } },
    });
    const until = parseRfc3339(textAt(answer, "result.approval.approved_until"));
    expect(until).toBeGreaterThan(await tasks.rest.store.reads.now());
    const denied = await tasks.taskOf({ kind: "automatic", decision: "deny", reason: "never", limits: undefined });
    expect([denied.status, at(denied, "task.status"), at(denied, "result")]).toEqual([201, "denied", undefined]);
  });

  test("arap-10-2-4, arap-12-3: has ids of 74 random bits that say when they were made and nothing else, and none is the grant's", async () => {
    const [one, two] = [await tasks.taskOf(APPROVED), await tasks.taskOf(APPROVED)];
    const ids = [one, two].flatMap((answer) => [textAt(answer, "task.id"), textAt(answer, "result.approval.id")]);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // Behind 48 bits of time, 4 of version and 2 of variant come 74 random ones.
    expect(new Set(ids.map((id) => id.slice(15).replace("-", ""))).size).toBe(4);
  });

  test("arap-10-1-12: under one idempotency key is one task: sent again, with members reordered, fifty at once", async () => {
    const whole = submission(await tasks.rest.denyQuestion(dana));
    const headers = { "idempotency-key": randomUUID() };
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(whole).toReversed()), null, 2);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => tasks.rest.send(dana, n % 2 === 0 ? whole : reordered, headers)),
    );
    const again = await tasks.rest.send(dana, reordered, headers);
    const made = [...answers, again].filter(({ status }) => status === 202);
    expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true);
    expect(new Set(made.map((answer) => textAt(answer, "task.id"))).size).toBe(1);
    expect(again.status).toBe(202);
  });

  test("arap-10-1-13, arap-21-4-3-1: with another body under the same key is refused, and another caller's key is another key", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const first = await tasks.rest.submitted(dana, {}, headers);
    const other = await tasks.rest.submitted(dana, {}, headers);
    expect([other.status, at(other, "type")]).toEqual([409, `${URN}duplicate_request`]);
    const theirs = await tasks.rest.submitted(tokenOf("ann"), {}, headers);
    expect(theirs.status).toBe(202);
    expect(textAt(theirs, "task.id")).not.toBe(textAt(first, "task.id"));
  });

  test("under a key to what a live grant covered is kept: sent again once that grant has ended it is the same, and makes no request", async () => {
    const offered = offering({ scope: `file/${randomUUID()}` });
    const denied = async () => submission(await tasks.rest.denyQuestion(dana, undefined, offered));
    await tasks.vote(await tasks.rest.send(dana, await denied()), tokenOf("max", ["managers"]));
    const [whole, headers] = [await denied(), { "idempotency-key": randomUUID() }];
    const covered = await tasks.rest.send(dana, whole, headers);
    expect([covered.status, at(covered, "task.status")]).toEqual([201, "approved"]);
    const revoke = `/v1/grants/${textAt(covered, "result.approval.id")}/revoke`;
    expect((await tasks.rest.call("POST", revoke, { token: dana, body: {} })).status).toBe(200);
    await tasks.rest.leavesNothing(async () => {
      const again = await tasks.rest.send(dana, whole, headers);
      expect([again.status, again.body, again.headers["idempotency-replayed"]]).toEqual([201, covered.body, "true"]);
    });
  });

  test("arap-21-1-4-4: to a token that was submitted before is the same task: it makes no second request", async () => {
    const whole = submission(await tasks.rest.denyQuestion(dana));
    const first = await tasks.rest.send(dana, whole, { "idempotency-key": randomUUID() });
    const second = await tasks.rest.send(dana, whole, { "idempotency-key": randomUUID() });
    expect([second.status, textAt(second, "task.id")]).toEqual([202, textAt(first, "task.id")]);
  });
});

test("arap-14-1, arap-14-2: every error of the profile is problem+json with its URI, and one status in line and body", async () => {
  const denial = await tasks.rest.denyQuestion(dana);
  const other = { ...submission(denial), resource: { type: "file", id: "f2" } };
  const key = { "idempotency-key": randomUUID() };
  await tasks.rest.submitted(dana, {}, key);
  const now = await tasks.rest.store.reads.now();
  const lapsed = { mintedAt: instant(now - 900_000), expiresAt: instant(now - 1) };
  const short = await tasks.taskOf(askPeople(oneOf("managers"), { expiresIn: durationMs(1) }));
  const taken = await tasks.taskOf();
  await tasks.cancel(taken);
  const answers: readonly (readonly [Answer, string, number])[] = [
    [await tasks.rest.send(dana, other), "invalid_denial_binding", 400],
    [await tasks.rest.send(eve, submission(denial)), "not_requestable", 400],
    [await tasks.rest.submitted(dana, {}, key), "duplicate_request", 409],
    [await tasks.rest.call("GET", `${PATH}/${randomUUID()}`, { token: dana }), "unknown_task", 404],
    [await tasks.look(await tasks.taskOf(), eve), "unknown_task", 404],
    [
      await tasks.rest.send(dana, submission(await tasks.rest.denyQuestion(dana, undefined, lapsed))),
      "expired_denial",
      410,
    ],
    [await tasks.look(short), "task_expired", 410],
    [await tasks.cancel(taken), "invalid_task_state", 409],
  ];
  expect(new Set(answers.map(([, name]) => URN + name))).toEqual(new Set(PROFILE.config.problemTypes.values()));
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
});
