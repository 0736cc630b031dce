/**
 * Tasks of the Access Request profile: who may look at one, take it back and approve it, and how it ends. Ids in names are rows of
 * the profile's table of requirements (test/conformance/access-request-profile).
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { durationMs, parseRfc3339 } from "../../../core/domain/time.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { RequestStatus } from "../../../services/approval/rest/schema/requests.ts";
import { ENDPOINT, PATH, REASON, submission, URN } from "./access-request-fixture.ts";
import { APPROVED, createTasks, dana, eve, type Tasks } from "./access-request-tasks-fixture.ts";
import { askPeople, oneOf, TWO_MANAGERS } from "./approval-fixture.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { SECOND, tokenOf } from "./rest-fixture.ts";

let tasks: Tasks;
beforeAll(async () => {
  tasks = await createTasks();
});
afterAll(() => tasks.close());

const alias = tokenOf("d.other", ["managers"], { iss: SECOND, email: "dana@example.org" });
const max = tokenOf("max", ["managers"]);
const mia = tokenOf("mia", ["managers"]);

const endingIn = (ms: number) => askPeople(oneOf("managers"), { expiresIn: durationMs(ms) });

describe("a task", () => {
  test("arap-18-4, arap-19-3, arap-21-3-3-1, arap-14-2: is unknown to whoever has no stake in it, whatever they know of it, and is its requester's by whichever client", async () => {
    const task = await tasks.taskOf();
    const byAnother = tokenOf("dana", ["developers"], { azp: "another-client", client_id: "another-client" });
    expect((await tasks.look(task, byAnother)).status).toBe(200);
    for (const token of [eve, tokenOf("ann")]) {
      for (const answer of [await tasks.look(task, token), await tasks.cancel(task, token)]) {
        expect([answer.status, at(answer, "type")]).toEqual([404, `${URN}unknown_task`]);
      }
    }
    expect((await tasks.rest.call("GET", `${PATH}/${textAt(task, "task.id")}`)).status).toBe(401);
    const random = await tasks.rest.call("GET", `${PATH}/${randomUUID()}`, { token: dana });
    expect([random.status, at(random, "type")]).toEqual([404, `${URN}unknown_task`]);
  });

  test("arap-11-4, arap-19-1, arap-11-4-2: may be looked at by its reviewer, who may not take it back, and is shown no way to", async () => {
    const task = await tasks.taskOf();
    const seen = await tasks.look(task, max);
    expect(seen.status).toBe(200);
    expect(at(seen, "task.links")).toBeUndefined();
    for (const secret of ["managers", "max@", "requirement", "reviews"])
      expect(JSON.stringify(seen.body)).not.toContain(secret);
    expect((await tasks.cancel(task, max)).status).toBe(403);
    expect((await tasks.rest.call("POST", `${PATH}/${textAt(task, "task.id")}/cancel`)).status).toBe(401);
    expect(at(await tasks.look(task), "task.status")).toBe("pending");
    expect((await tasks.look(task, alias)).status).toBe(200);
  });

  test("arap-10-2-6, arap-19-3: shows its requester neither approvers nor policies, pending or decided", async () => {
    const task = await tasks.taskOf();
    await tasks.vote(task, max);
    for (const text of [JSON.stringify(task.body), JSON.stringify((await tasks.look(task)).body)]) {
      for (const secret of ["max", "managers", "revision", "requirement", "reviews", "digest"])
        expect(text).not.toContain(secret);
    }
  });

  test("arap-18-6, arap-18-7, arap-21-2-2-1: is not approved before enough other people agreed, none of them the requester under another account", async () => {
    const task = await tasks.taskOf(TWO_MANAGERS);
    expect((await tasks.vote(task, alias)).status).toBe(403);
    const refusals = await tasks.toldOf(task, "review.refused");
    expect(refusals).toEqual([expect.stringContaining("is_requester")]);
    // Whoever acts for somebody, as a delegate does, reviews nothing: to them there is no such request.
    const delegate = tokenOf("mia", ["managers"], { act: { sub: "dana" } });
    for (const token of [delegate, eve]) expect((await tasks.vote(task, token)).status).toBe(404);
    expect((await tasks.vote(task, max)).status).toBe(200);
    expect((await tasks.vote(task, max)).status).toBe(409);
    const pending = await tasks.look(task);
    expect([at(pending, "task.status"), at(pending, "result"), pending.headers["retry-after"]]).toEqual([
      "pending",
      undefined,
      "5",
    ]);
    expect((await tasks.vote(task, mia)).status).toBe(200);
    const approved = await tasks.look(task);
    expect(approved.body).toMatchObject({
      task: { status: "approved" },
      result: { mode: "reevaluate", approval: { id: expect.any(String), approved_until: expect.any(String) } },
    });
    expect(at(approved, "task.links")).toBeUndefined();
  });

  test("arap-7-1-5, arap-12-13, arap-18-4, arap-18-8: leaves a record of the denial, who asked, who agreed, what was granted, until when, and that it was revoked, and of no client", async () => {
    const denial = await tasks.rest.denyQuestion(dana);
    const task = await tasks.rest.send(dana, submission(denial));
    await tasks.vote(task, max);
    const id = textAt(task, "task.id");
    const { body } = await tasks.rest.call("GET", `/v1/requests/${id}`, { token: dana });
    expect(body).toMatchObject({
      request: {
        ...{ id, denial_id: denial.id, status: "approved", justification: REASON },
        requester: { issuer: denial.subject.issuer, subject: "dana" },
        call: { method: "delete", authority: "file", path: "f1" },
        reviews: [{ reviewer: { id: "max@example.org" }, vote: "approve" }],
      },
      grant: { request_id: id, denial_id: denial.id, subject: "dana", state: "active", expires_at: expect.any(String) },
    });
    const [offered] = denial.offers;
    expect(at({ body }, "grant")).toMatchObject({
      id: textAt(await tasks.look(task), "result.approval.id"),
      issuer: denial.subject.issuer,
      entitlement: offered.elevation.entitlement,
      scope: offered.elevation.scope,
    });
    expect(JSON.stringify(body)).not.toContain("client");
    const grant = `/v1/grants/${textAt({ ...task, body }, "grant.id")}`;
    expect((await tasks.rest.call("POST", `${grant}/revoke`, { token: dana, body: {} })).status).toBe(200);
    expect(at(await tasks.rest.call("GET", grant, { token: dana }), "state")).toBe("revoked");
    const told = (await tasks.toldOf(task)).join("\n");
    for (const what of [
      "request.submitted",
      "review.recorded",
      "request.approved",
      "grant.issued",
      "grant.revoked",
      denial.id,
      "max@example.org",
    ]) {
      expect(told).toContain(what);
    }
  });

  test("arap-11-4-1: is taken back by a POST with or without a body, and has no way back where it cannot be", async () => {
    for (const body of [undefined, {}, { reason: "mistake", comment: "the wrong file" }]) {
      const task = await tasks.taskOf();
      // Where `cancel` posts to, under the address that the service publishes.
      expect(textAt(task, "task.links.cancel")).toBe(`${ENDPOINT}/${textAt(task, "task.id")}/cancel`);
      const answer = await tasks.cancel(task, dana, body);
      expect([answer.status, at(answer, "task.status"), at(answer, "task.links")]).toEqual([
        200,
        "cancelled",
        undefined,
      ]);
    }
    const other = await tasks.rest.call("GET", `${PATH}/${textAt(await tasks.taskOf(), "task.id")}/cancel`, {
      token: dana,
    });
    expect([other.status, other.headers["allow"]]).toEqual([405, "POST"]);
  });

  test("arap-11-4-3, arap-14-1: that has ended is not taken back", async () => {
    const task = await tasks.taskOf();
    await tasks.cancel(task);
    const again = await tasks.cancel(task);
    expect([again.status, at(again, "status"), at(again, "type")]).toEqual([409, 409, `${URN}invalid_task_state`]);
    expect(again.headers["content-type"]).toBe("application/problem+json");
    const approved = await tasks.taskOf(APPROVED);
    const late = await tasks.cancel(approved);
    expect([late.status, at(late, "type")]).toEqual([409, `${URN}invalid_task_state`]);
    expect(at(await tasks.look(approved), "task.status")).toBe("approved");
  });

  test("arap-11-1-1-1: ends once, whoever is faster, and that end never changes: approval, denial, cancellation and its time race", async () => {
    const sweep = createSweep({ store: tasks.rest.store });
    const ended = new Map<string, string>();
    const statusOf = async (task: Answer) => {
      const seen = await tasks.rest.call("GET", `/v1/requests/${textAt(task, "task.id")}`, { token: dana });
      return textAt(seen, "request.status");
    };
    const rivals = (task: Answer) => [
      async () => (await tasks.cancel(task)).status === 200 && "cancelled",
      async () => (await tasks.vote(task, max)).status === 200 && "approved",
      async () => (await tasks.vote(task, mia, { vote: "deny", comment: "not this one" })).status === 200 && "denied",
    ];
    const all: Answer[] = [];
    for (let round = 0; round < 12; round += 1) {
      // Of each third one the time is over when the race begins, or ends in the middle of it.
      const task = await tasks.taskOf(round % 3 === 0 ? endingIn(1 + 5 * round) : undefined);
      all.push(task);
      const racing = rivals(task);
      const order = [...racing.slice(round % 3), ...racing.slice(0, round % 3)];
      const [, ...outcomes] = await Promise.all([sweep(), ...order.map((rival) => rival())]);
      await sweep();
      const status = await statusOf(task);
      const won = outcomes.filter((outcome) => outcome !== false);
      expect(won).toEqual(status === "expired" ? [] : [status]);
      ended.set(textAt(task, "task.id"), status);
    }
    for (const task of all) {
      for (const rival of rivals(task)) expect(await rival()).toBe(false);
      await sweep();
      expect(await statusOf(task)).toBe(ended.get(textAt(task, "task.id")));
    }
  });

  test("arap-11-3-2, arap-18-5: is over when there is nothing left to wait for or to use", async () => {
    const task = await tasks.taskOf(endingIn(1));
    const answer = await tasks.look(task);
    expect([answer.status, at(answer, "type")]).toEqual([410, `${URN}task_expired`]);
    expect((await tasks.vote(task, max)).status).toBe(409);
  });

  test("arap-11-3-2, arap-18-5: that is approved can be looked at until its grant ends, whenever it had to be decided, and not after", async () => {
    /** Of so little time that the machine just makes the vote in it. */
    const approvedIn = async (ms: number): Promise<Answer> => {
      const one = await tasks.taskOf(endingIn(ms));
      const { status } = await tasks.vote(one, max);
      if (status === 200) return one;
      expect(status).toBe(409);
      expect(ms).toBeLessThan(30_000);
      return approvedIn(2 * ms);
    };
    const task = await approvedIn(2_000);
    const requestId = textAt(task, "task.id");
    const decidedBy = parseRfc3339(textAt(task, "task.expires_at"));
    const grantEnds = (minutes: number) =>
      tasks.rest.database.query(
        `update grants set version = version + 1, not_before = now() - interval '2 hours',
                expires_at = now() + $2 * interval '1 minute' where request_id = $1`,
        [requestId, minutes],
      );
    await grantEnds(30);
    const { now } = tasks.rest.store.reads;
    await waitUntil("the time in which it had to be decided to be over", 60_000, async () => (await now()) > decidedBy);
    const seen = await tasks.look(task);
    expect([seen.status, at(seen, "task.status")]).toEqual([200, "approved"]);
    expect(at(seen, "task.expires_at")).toBe(at(seen, "result.approval.approved_until"));
    await grantEnds(-1);
    const over = await tasks.look(task);
    expect([over.status, at(over, "status"), at(over, "type")]).toEqual([410, 410, `${URN}task_expired`]);
  });

  test("arap-11-1-2-1: has the statuses that the page names, each as a request has it", async () => {
    const page = await readFile(join(import.meta.dirname, "../../../docs/authzen.md"), "utf8");
    const [, listed = ""] = /^\| `GET …\/\{id\}` \| the task: (.*?), the same as/m.exec(page) ?? [];
    expect([...listed.matchAll(/`(\w+)`/g)].map(([, status]) => status)).toEqual(RequestStatus.enum);
    const failed = await tasks.taskOf({ kind: "failed", detail: "no such set" });
    expect([failed.status, at(failed, "task.status")]).toEqual([201, "failed"]);
    const denied = await tasks.taskOf();
    await tasks.vote(denied, max, { vote: "deny", comment: "not this one" });
    const cancelled = await tasks.taskOf();
    await tasks.cancel(cancelled);
    const all = { pending: await tasks.taskOf(), approved: await tasks.taskOf(APPROVED), denied, cancelled, failed };
    for (const [status, task] of Object.entries(all)) {
      const request = await tasks.rest.call("GET", `/v1/requests/${textAt(task, "task.id")}`, { token: dana });
      expect([at(await tasks.look(task), "task.status"), at(request, "request.status")]).toEqual([status, status]);
    }
  });
});
