/** What routing says beside who must agree, on a real server: stages, limits, escalation, and votes looked at again at the issue of a grant. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import type { Id } from "../../../core/domain/id.ts";
import { setKey } from "../../../core/domain/requirement.ts";
import type { Routing } from "../../../core/domain/routing.ts";
import type { Party, Person, Subject } from "../../../core/domain/subject.ts";
import { durationMs } from "../../../core/domain/time.ts";
import { createRecordDecisions } from "../../../services/approval/commands/record-decision.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { showApprovers } from "../../../services/approval/rest/show.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import {
  account,
  type Approval,
  askPeople,
  createApproval,
  oneOf,
  people,
  REVISION,
  TWO_MANAGERS,
} from "./approval-fixture.ts";
import { logOf, some } from "./decision-log-fixture.ts";

const STAGES = { kind: "stages", of: [oneOf("managers"), oneOf("security")] } as const;

let approval: Approval;
let routing: Routing = TWO_MANAGERS;
/** Whom the policy does not let vote, now. */
const suspended = new Set<string>();
/** Who somebody turned out to be, now. */
const mapped = new Map<string, Person>();

beforeAll(async () => {
  approval = await createApproval(undefined, {
    people: {
      resolve: async (subject: Subject): Promise<Party> => {
        const party = await people.resolve(subject);
        return { ...party, person: mapped.get(subject.id) ?? party.person };
      },
    },
    policy: {
      route: () => Promise.resolve({ ...routing, revision: REVISION }),
      mayReview: (_request, { subject }) =>
        Promise.resolve({ kind: suspended.has(subject.id) ? "refused" : "allowed", revision: REVISION }),
    },
  });
});
beforeEach(() => {
  routing = TWO_MANAGERS;
  suspended.clear();
  mapped.clear();
});
afterAll(() => approval.close());

const manager = (name: string) => account(name, ["managers"]);
const sam = account("sam", ["security"]);

async function told(request: AccessRequest) {
  const { rows } = await approval.database.query<{ kind: string; notify: unknown; reviewers: unknown }>(
    `select kind, body -> 'notify' as notify, body -> 'request' -> 'reviewers' as reviewers from notifications
      where body -> 'request' ->> 'id' = $1 order by created_at, kind`,
    [request.id],
  );
  return rows;
}

async function awaits(who: Subject, request: AccessRequest): Promise<boolean> {
  const { person } = await people.resolve(who);
  if (person === undefined) throw new Error("a reviewer without a person");
  const sets = who.groups.map((group) => setKey({ kind: "group", realm: "corp", group }));
  const visibility = { kind: "reviewer", sets, issuer: who.issuer, subject: who.id, person } as const;
  const filter = { visibility, awaiting: true, status: undefined, entitlement: undefined, denialId: undefined };
  const listed = await approval.store.listings.requests(filter, { limit: 200, before: undefined });
  return listed.rows.some(({ id }) => id === request.id);
}

test("a request with all that routing can say comes back from the database as it went in", async () => {
  routing = askPeople(STAGES, {
    limits: { maxUses: 1, maxDuration: undefined },
    notify: ["#refunds", '{,}"'],
    escalation: { after: durationMs(60_000), notify: ["#duty"] },
  });
  const request = await approval.ask();
  expect(await approval.store.reads.request(request.id)).toEqual(request);
});

test("of two stages the second awaits nobody before the first has agreed, and is told then", async () => {
  routing = askPeople(STAGES, { notify: ["#refunds"] });
  const request = await approval.ask();
  expect([await awaits(manager("max"), request), await awaits(sam, request)]).toEqual([true, false]);
  expect(await approval.approveBy(request, sam)).toEqual({ kind: "refused", reason: "stage_not_open" });

  expect(await approval.approveBy(request, manager("max"))).toMatchObject({ request: { status: "pending" } });
  expect([await awaits(manager("mia"), request), await awaits(sam, request)]).toEqual([false, true]);
  expect(await approval.approveBy(request, sam)).toMatchObject({ request: { status: "approved" } });
  expect(await told(request)).toEqual([
    { kind: "review_requested", notify: ["#refunds"], reviewers: ["group:corp/managers"] },
    { kind: "review_requested", notify: ["#refunds"], reviewers: ["group:corp/security"] },
    { kind: "request_ended", notify: null, reviewers: [] },
  ]);
});

test("who is told of a request sees who asks for whom, through whom, and for what", async () => {
  const agent = { issuer: "https://issuer.example", id: "agent" };
  const request = await approval.ask({ ...account("dana"), actors: [agent] });
  const { rows } = await approval.database.query<{ told: unknown }>(
    "select body -> 'request' as told from notifications where body -> 'request' ->> 'id' = $1",
    [request.id],
  );
  expect(rows.map(({ told: body }) => body)).toEqual([
    expect.objectContaining({
      requester: { ...request.requester, actorPersons: undefined },
      submitted_by: null,
      requested: expect.objectContaining({ max_uses: request.requested.maxUses, binding: request.requested.binding }),
    }),
  ]);
  expect(request.requester.actors).toEqual([agent]);
});

test("the record says which revision routed and which let somebody vote, beside the one that denied", async () => {
  const request = await approval.ask();
  await approval.approveBy(request, manager("max"));
  const { rows } = await approval.database.query<{ data: unknown }>(
    "select event -> 'data' as data from outbox where event -> 'data' ->> 'request_id' = $1 order by id",
    [request.id],
  );
  expect(request.policyRevision).not.toBe(REVISION);
  expect(rows.map(({ data }) => data)).toMatchObject([
    { policy_revision: request.policyRevision, routed_by_revision: REVISION },
    { policy_revision: request.policyRevision, permitted_by_revision: REVISION },
  ]);
});

test("a grant is never more than the limits of its request, by people or at once", async () => {
  const limits = { maxUses: 2, maxDuration: durationMs(60_000) };
  routing = askPeople(oneOf("managers"), { limits });
  const byPeople = await approval.approveBy(await approval.ask(), manager("max"));
  routing = { kind: "automatic", decision: "approve", reason: "on call", limits };
  const atOnce = await approval.store.reads.grantOfRequest((await approval.ask()).id);
  for (const grant of [byPeople.kind === "reviewed" ? byPeople.grant : undefined, atOnce]) {
    expect(grant).toMatchObject({ maxUses: 2 });
    expect((grant?.expiresAt ?? 0) - (grant?.notBefore ?? 0)).toBe(60_000);
  }
});

test("an earlier vote of somebody whom the policy has suspended since grants nothing: the request fails as superseded", async () => {
  const request = await approval.ask();
  expect(await approval.approveBy(request, manager("max"))).toMatchObject({ request: { status: "pending" } });
  suspended.add("max");
  expect(await approval.approveBy(request, manager("mia"))).toMatchObject({
    request: { status: "failed", statusReason: "superseded" },
    grant: undefined,
  });
  expect(await approval.store.reads.grantOfRequest(request.id)).toBeUndefined();
  expect((await approval.outboxTypes()).slice(-2)).toEqual([
    "countersign.review.recorded.v1",
    "countersign.request.failed.v1",
  ]);
});

test("an earlier vote of somebody who turned out to be the requester, or nobody, grants nothing", async () => {
  for (const person of ["the requester", "somebody else"]) {
    const request = await approval.ask();
    await approval.approveBy(request, manager("max"));
    const { requester } = request;
    mapped.set("max", person === "the requester" && requester.person ? requester.person : { realm: "corp", id: "x" });
    expect(await approval.approveBy(request, manager("mia"))).toMatchObject({
      request: { statusReason: "superseded" },
    });
    mapped.clear();
  }
});

test("nobody whose vote had lapsed when the grant was issued is named as having approved, in the record of its uses either", async () => {
  const two = { kind: "n_of", n: 2, of: [oneOf("managers"), oneOf("managers")] } as const;
  routing = askPeople({ kind: "any_of", of: [two, oneOf("security")] });
  const request = await approval.ask();
  await approval.approveBy(request, manager("max"));
  suspended.add("max");
  const outcome = await approval.approveBy(request, sam);
  if (outcome.kind !== "reviewed" || outcome.grant === undefined) throw new Error(`no grant: ${outcome.kind}`);
  const grantId = outcome.grant.id;
  const onlySam = [{ realm: "corp", id: "sam@example.org" }];
  expect(await namedInRecord(grantId)).toEqual(onlySam);
  const shown = await approval.store.reads.request(request.id);
  expect(shown === undefined ? undefined : showApprovers(shown).approved_by).toEqual(onlySam);

  // As a version of the service from before migration 0018 left it, which also did not name them apart.
  await approval.database.query("alter table requests disable trigger requests_immutable");
  await approval.database.query("update requests set counted = null where id = $1", [request.id]);
  await approval.database.query("alter table requests enable trigger requests_immutable");
  expect(await namedInRecord(grantId)).toEqual(onlySam);
});

/** Who approved, as the republished decision of a use says. */
async function namedInRecord(grantId: Id<"grant">): Promise<unknown> {
  const from = await storedOffset(approval.database, "decisions", 0, 0n);
  const entries = some(logOf(1).map((entry) => ({ ...entry, grantId })));
  const record = createRecordDecisions({ store: approval.store });
  await record({ entries, origin: { topic: "decisions", partition: 0, from, next: from + 1n } });
  const { rows } = await approval.database.query<{ approved_by: unknown }>(
    "select event #> '{data,approval,approved_by}' as approved_by from republish where log_id = $1",
    [entries[0].logId],
  );
  return rows[0]?.approved_by;
}

test("a denial needs nobody's earlier vote", async () => {
  const request = await approval.ask();
  await approval.approveBy(request, manager("max"));
  suspended.add("max");
  const no = { vote: "deny", comment: "not in the freeze", narrowing: undefined, digest: request.digest } as const;
  const outcome = await approval.review({ requestId: request.id, reviewer: manager("mia"), ...no });
  expect(outcome).toMatchObject({ request: { status: "denied" } });
});

test("what waits too long is told of once, by whichever of eight sweepers, and nobody new may decide", async () => {
  routing = askPeople(oneOf("managers"), { escalation: { after: durationMs(3_600_000), notify: ["#duty"] } });
  const request = await approval.ask();
  const sweep = createSweep({ store: approval.store });
  await sweep();
  expect((await told(request)).map(({ kind }) => kind)).toEqual(["review_requested"]);
  await approval.database.query("update requests set escalate_at = clock_timestamp() where id = $1", [request.id]);
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(Array.from({ length: 8 }, sweep));
    expect((await told(request)).filter(({ kind }) => kind === "review_escalated")).toEqual([
      { kind: "review_escalated", notify: ["#duty"], reviewers: ["group:corp/managers"] },
    ]);
  }
  expect(await approval.approveBy(request, sam)).toEqual({ kind: "refused", reason: "not_eligible" });
  expect(await approval.approveBy(request, manager("max"))).toMatchObject({ request: { status: "approved" } });
});
