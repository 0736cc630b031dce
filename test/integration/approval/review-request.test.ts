/** Votes on a real server: of the requester, of many at once, of one person under two accounts; and what awaits whom. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Routing } from "../../../core/domain/routing.ts";
import { account, type Approval, createApproval, ONE_MANAGER, TWO_MANAGERS } from "./approval-fixture.ts";

let approval: Approval;
let routing: Routing = ONE_MANAGER;
beforeAll(async () => {
  approval = await createApproval(() => routing);
});
afterAll(() => approval.close());

const manager = (name: string) => account(name, ["managers"]);

test("the requester under a second issuer's account is refused, even with quorum 1, and the refusal is on record", async () => {
  const name = randomUUID();
  const request = await approval.ask(account(name));
  const alias = account(name, ["managers"], "https://other.example");
  expect(await approval.approveBy(request, alias)).toEqual({ kind: "refused", reason: "is_requester" });
  const { rows } = await approval.database.query<{ reason: string }>(
    `select event -> 'data' ->> 'reason' as reason from outbox
      where event ->> 'type' = 'countersign.review.refused.v1' and event -> 'data' ->> 'request_id' = $1`,
    [request.id],
  );
  expect(rows).toEqual([{ reason: "is_requester" }]);
  expect(await approval.store.reads.request(request.id)).toMatchObject({ status: "pending", reviews: [] });
});

test("64 managers who vote at once on a request for one: one final state, one grant, one vote that counts", async () => {
  for (let round = 0; round < 5; round += 1) {
    const request = await approval.ask();
    const votes = Array.from({ length: 64 }, (_, n) =>
      approval.review({
        requestId: request.id,
        reviewer: manager(`manager-${n}`),
        vote: n % 2 === 0 ? "approve" : "deny",
        narrowing: undefined,
        comment: "not in the freeze",
        digest: request.digest,
      }),
    );
    const outcomes = await Promise.all(votes);
    const counted = outcomes.filter((outcome) => outcome.kind === "reviewed");
    expect(counted).toHaveLength(1);
    const after = await approval.store.reads.request(request.id);
    expect(after?.status).toBe(counted[0]?.request.status);
    expect(after?.reviews).toHaveLength(1);
    const { rowCount } = await approval.database.query("select 1 from grants where request_id = $1", [request.id]);
    expect(rowCount).toBe(after?.status === "approved" ? 1 : 0);
  }
});

test("two approvals that race for a request for two leave one grant with both votes", async () => {
  routing = TWO_MANAGERS;
  try {
    for (let round = 0; round < 20; round += 1) {
      const request = await approval.ask();
      const outcomes = await Promise.all([
        approval.approveBy(request, manager("max")),
        approval.approveBy(request, manager("mia")),
      ]);
      expect(outcomes.map((outcome) => outcome.kind)).toEqual(["reviewed", "reviewed"]);
      expect(outcomes.filter((outcome) => outcome.kind === "reviewed" && outcome.grant !== undefined)).toHaveLength(1);
      const after = await approval.store.reads.request(request.id);
      expect(after).toMatchObject({ status: "approved" });
      expect(after?.reviews).toHaveLength(2);
    }
  } finally {
    routing = ONE_MANAGER;
  }
});

test("one person who votes 16 times at once under two accounts fills one of two slots", async () => {
  routing = TWO_MANAGERS;
  try {
    const request = await approval.ask();
    const votes = Array.from({ length: 16 }, (_, n) =>
      approval.approveBy(request, account("max", ["managers"], n % 2 === 0 ? undefined : "https://other.example")),
    );
    const outcomes = await Promise.all(votes);
    expect(outcomes.filter((outcome) => outcome.kind === "reviewed")).toHaveLength(1);
    expect(await approval.store.reads.request(request.id)).toMatchObject({ status: "pending" });
  } finally {
    routing = ONE_MANAGER;
  }
});

test("awaiting shows a reviewer what they may decide, and neither their own nor what they have decided", async () => {
  routing = TWO_MANAGERS;
  try {
    const name = randomUUID();
    const request = await approval.ask(account(name));
    const awaiting = async (person: string) => {
      const visibility = {
        kind: "reviewer",
        sets: ["group:corp/managers"],
        ...{ issuer: account(person).issuer, subject: person },
        person: { realm: "corp", id: `${person}@example.org` },
      } as const;
      const filter = { visibility, awaiting: true, status: undefined, entitlement: undefined, denialId: undefined };
      const found = await approval.store.listings.requests(filter, { limit: 1, before: undefined });
      return found.rows[0]?.id;
    };
    expect(await awaiting("max")).toBe(request.id);
    expect(await awaiting(name)).not.toBe(request.id);
    await approval.approveBy(request, manager("max"));
    expect(await awaiting("max")).not.toBe(request.id);
    expect(await awaiting("mia")).toBe(request.id);
  } finally {
    routing = ONE_MANAGER;
  }
});
