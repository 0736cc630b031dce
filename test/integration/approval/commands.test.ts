/** Commands on a real server: submitted at once, refused, rolled back, told twice; and what no statement may change. Votes are in review-request.test.ts. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createCancelRequest } from "../../../services/approval/commands/cancel-request.ts";
import { createQuarantineRecord } from "../../../services/approval/commands/quarantine-record.ts";
import { createRevokeGrant } from "../../../services/approval/commands/revoke-grant.ts";
import { requireMigrated } from "../../../services/approval/store/migrate.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { createStore } from "../../../services/approval/store/store.ts";
import type { Routing } from "../../../core/domain/routing.ts";
import {
  account,
  type Approval,
  ASKED,
  createApproval,
  denialFor,
  ids,
  ONE_MANAGER,
  people,
} from "./approval-fixture.ts";

let approval: Approval;
let routing: Routing = ONE_MANAGER;
beforeAll(async () => {
  approval = await createApproval(() => routing);
});
afterAll(() => approval.close());

const manager = (name: string) => account(name, ["managers"]);

test("a migrated database is of this code's version", async () => {
  await expect(requireMigrated(approval.database)).resolves.toBeUndefined();
});

test("somebody else's denial does not exist to them", async () => {
  const denial = await approval.deny();
  const outcome = await approval.submit({
    denialId: denial.id,
    by: account("mallory"),
    asked: ASKED,
    automatic: false,
  });
  expect(outcome).toEqual({ kind: "refused", reason: "unknown_denial" });
});

test("16 submits of one denial at once leave one open request and 15 answers that name it", async () => {
  const denial = await approval.deny();
  const submits = Array.from({ length: 16 }, () =>
    approval.submit({ denialId: denial.id, by: denial.subject, asked: ASKED, automatic: false }),
  );
  const outcomes = await Promise.all(submits);
  expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual([
    ...Array.from({ length: 15 }, () => "exists"),
    "submitted",
  ]);
  const { rowCount } = await approval.database.query("select 1 from requests where denial_id = $1", [denial.id]);
  expect(rowCount).toBe(1);
});

test("what an agent asks for somebody is neither their own open request nor covered by what they were granted, and the reverse", async () => {
  const name = randomUUID();
  const agent = { ...account(name), actors: [{ issuer: account(name).issuer, id: "bot" }] };
  const own = await approval.ask(account(name));
  const through = await approval.ask(agent);
  expect(through.id).not.toBe(own.id);
  await approval.approveBy(own, account("max", ["managers"]));
  const denial = await approval.deny(agent);
  const again = await approval.submit({ denialId: denial.id, by: agent, asked: ASKED, automatic: false });
  expect(again).toMatchObject({ kind: "exists", request: { id: through.id } });
  const reviewed = await approval.approveBy(through, account("max", ["managers"]));
  expect(reviewed).toMatchObject({ kind: "reviewed", grant: { subject: name, actors: agent.actors } });
});

test("a request comes back from the database as it went in", async () => {
  const request = await approval.ask();
  expect(await approval.store.reads.request(request.id)).toEqual(request);
});

test("so does who submitted it in somebody's name, with the account that is asked about again at each vote", async () => {
  const denial = await approval.deny();
  const by = { ...denial.subject, claims: { email: "dana@example.org" }, actors: [{ issuer: "https://i", id: "meg" }] };
  const outcome = await approval.submit({ denialId: denial.id, by, asked: ASKED, automatic: false });
  const request = outcome.kind === "submitted" ? outcome.request : undefined;
  expect(request?.submittedBy).toMatchObject({ actors: by.actors, account: by });
  expect(await approval.store.reads.request(request?.id ?? ids.fresh("request"))).toEqual(request);
});

test("a submit that a live grant covers already makes no request", async () => {
  const request = await approval.ask();
  await approval.approveBy(request, manager("max"));
  const denial = await approval.deny(account(request.requester.subject));
  const outcome = await approval.submit({ denialId: denial.id, by: denial.subject, asked: ASKED, automatic: false });
  expect(outcome).toMatchObject({ kind: "already_granted", grant: { requestId: request.id } });
});

test("a routing fault is a failed request on record", async () => {
  routing = { kind: "failed", detail: "undefined" };
  try {
    const request = await approval.ask();
    expect(await approval.store.reads.request(request.id)).toMatchObject({
      status: "failed",
      statusReason: "routing_failed",
    });
  } finally {
    routing = ONE_MANAGER;
  }
});

test("a transaction that fails after its state change leaves neither the state nor its event", async () => {
  const request = await approval.ask();
  const before = (await approval.outboxTypes()).length;
  const failing = approval.store.transaction("review", async (tx) => {
    const locked = await tx.requests.lock(request.id);
    if (locked === undefined) return;
    await tx.requests.save({ ...locked, status: "cancelled", decidedAt: await tx.now() });
    await tx.outbox.append([
      {
        type: "request.cancelled",
        by: { kind: "service", name: "test" },
        denialId: undefined,
        requestId: request.id,
        grantId: undefined,
        policyRevision: undefined,
        data: { reason: undefined, reviewers: [] },
      },
    ]);
    throw new Error("fault");
  });
  await expect(failing).rejects.toThrow("fault");
  expect(await approval.store.reads.request(request.id)).toEqual(request);
  expect(await approval.outboxTypes()).toHaveLength(before);
});

test("a final request cannot be changed, nor an open one's content, by any statement", async () => {
  const request = await approval.ask();
  const change = approval.database.query("update requests set justification = 'x' where id = $1", [request.id]);
  await expect(change).rejects.toThrow("immutable");
  const cancel = createCancelRequest({ people, store: approval.store });
  const by = account(request.requester.subject);
  expect(await cancel({ requestId: request.id, by: account("max"), reason: undefined })).toMatchObject({
    reason: "not_requester",
  });
  expect(await cancel({ requestId: request.id, by, reason: undefined })).toMatchObject({ kind: "cancelled" });
  const reopen = approval.database.query("update requests set status = 'pending' where id = $1", [request.id]);
  await expect(reopen).rejects.toThrow("final");
});

test("audit_log, decisions, reviews and redemptions refuse update, delete and truncate", async () => {
  for (const table of ["audit_log", "decisions", "reviews", "redemptions"]) {
    const column = table === "audit_log" || table === "decisions" ? "log_id" : "id";
    const set = table === "redemptions" ? "uses = uses" : `${column} = ${column}`;
    for (const statement of [`update ${table} set ${set}`, `delete from ${table}`, `truncate ${table} cascade`]) {
      await expect(approval.database.query(statement)).rejects.toThrow("append-only");
    }
  }
});

test("a grant is revoked by its requester, a reviewer or security, once, and by nobody else", async () => {
  const revoke = createRevokeGrant({ reads: approval.store.reads, people, store: approval.store });
  const grant = await approval.grant();
  const by = (subject: ReturnType<typeof account>, asSecurity = false) =>
    revoke({ grantId: grant.id, by: subject, asSecurity, reason: undefined });
  expect(await by(account("mallory"))).toEqual({ kind: "refused", reason: "not_allowed" });
  expect(await by(manager("max"))).toMatchObject({ kind: "revoked", grant: { state: "revoked", version: 2 } });
  expect(await by(account("sam"), true)).toEqual({ kind: "refused", reason: "already_final" });
});

test("a denial that is delivered twice with its reason is one request, and its offset moves once", async () => {
  const accept = approval.commands.acceptDenial;
  const now = await approval.store.reads.now();
  const denial = denialFor(account(randomUUID()), now, { justification: "the customer was charged twice" });
  await storedOffset(approval.database, "denials", 0, 7n);
  const position = { topic: "denials", partition: 0, from: 7n, next: 8n };
  expect(await accept({ denial, origin: position })).toMatchObject({ isNew: true, submitted: { kind: "submitted" } });
  await expect(accept({ denial, origin: position })).rejects.toThrow("somebody else");
  expect(await accept({ denial, origin: { ...position, from: 8n, next: 9n } })).toMatchObject({
    isNew: false,
    submitted: undefined,
  });
  expect(await storedOffset(approval.database, "denials", 0, 0n)).toBe(9n);
  const { rowCount } = await approval.database.query("select from requests where denial_id = $1", [denial.id]);
  expect(rowCount).toBe(1);
});

test("a quarantined record whose partition was lost is not kept", async () => {
  const quarantine = createQuarantineRecord({ store: approval.store, ids });
  await storedOffset(approval.database, "decisions", 3, 5n);
  const record = {
    topic: "decisions",
    partition: 3,
    offset: 5n,
    key: "k\0",
    value: Buffer.from("{"),
    headers: new Map([["cs-kid", Buffer.from("pdp")]]),
    reason: "malformed",
    detail: "not JSON in UTF-8",
  };
  const position = { topic: "decisions", partition: 3, from: 5n, next: 6n };
  await expect(quarantine({ record, position: { ...position, from: 4n } })).rejects.toThrow("conflict");
  await quarantine({ record, position });
  const { rows } = await approval.database.query<{ record_value: Buffer }>("select record_value from quarantine");
  expect(rows.map((row) => row.record_value.toString())).toEqual(["{"]);
});

test("where nobody is to be told, no notification is written", async () => {
  const store = createStore({ database: approval.database, ids }, { deployment: "test", notifies: false });
  const grant = await approval.grant();
  await approval.database.query("delete from notifications");
  const revoked = await createRevokeGrant({ reads: store.reads, people, store })({
    ...{ grantId: grant.id, by: account("sam"), asSecurity: true, reason: undefined },
  });
  expect(revoked.kind).toBe("revoked");
  const { rowCount } = await approval.database.query("select from notifications");
  expect(rowCount).toBe(0);
});
