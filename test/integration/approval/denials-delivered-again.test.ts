/**
 * Denials that are delivered again: what one asks for by itself is submitted once, whatever came of it, and however late and by whichever way it
 * comes again.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Denial } from "../../../core/domain/denial.ts";
import type { RecordReplayed } from "../../../core/domain/events.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { account, type Approval, createApproval, denialFor, ids } from "./approval-fixture.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());

const justification = "the customer was charged twice";

/** Delivers it by the topic, as often as asked. */
async function deliver(denial: Denial) {
  const from = await storedOffset(approval.database, "denials again", 0, 0n);
  const origin = { topic: "denials again", partition: 0, from, next: from + 1n };
  const outcome = await approval.commands.acceptDenial({ denial, origin });
  return outcome.kind === "accepted" ? outcome.submitted : outcome;
}

async function requestsOf({ subject }: Denial): Promise<number> {
  const { rowCount } = await approval.database.query("select from requests where subject = $1", [subject.id]);
  return rowCount ?? 0;
}

test("one that met an open request makes none after that was cancelled, when it is delivered again", async () => {
  const request = await approval.ask();
  const subject = account(request.requester.subject);
  const denial = denialFor(subject, await approval.store.reads.now(), { justification });
  expect(await deliver(denial)).toMatchObject({ kind: "exists", request: { id: request.id } });
  expect(await approval.commands.cancel({ requestId: request.id, by: subject, reason: undefined })).toMatchObject({
    kind: "cancelled",
  });
  expect(await deliver(denial)).toBeUndefined();
  expect(await requestsOf(denial)).toBe(1);
});

test("one that a grant covered makes no request after that was revoked, when it is delivered again", async () => {
  const request = await approval.ask();
  const reviewed = await approval.approveBy(request, account("max", ["managers"]));
  const grantId = reviewed.kind === "reviewed" ? reviewed.grant?.id : undefined;
  const subject = account(request.requester.subject);
  const denial = denialFor(subject, await approval.store.reads.now(), { justification });
  expect(await deliver(denial)).toMatchObject({ kind: "already_granted", grant: { id: grantId } });
  if (grantId === undefined) throw new Error("no grant");
  const ending = { grantId, by: subject, asSecurity: false, reason: undefined };
  expect(await approval.commands.revoke(ending)).toMatchObject({ kind: "revoked" });
  expect(await deliver(denial)).toBeUndefined();
  expect(await requestsOf(denial)).toBe(1);
});

test("nor does one that is replayed out of quarantine, whose record is closed by it", async () => {
  const request = await approval.ask();
  const subject = account(request.requester.subject);
  const denial = denialFor(subject, await approval.store.reads.now(), { justification });
  await deliver(denial);
  await approval.commands.cancel({ requestId: request.id, by: subject, reason: undefined });
  const quarantineId = ids.fresh("quarantine");
  const record = {
    topic: "denials",
    partition: 5,
    offset: 1n,
    key: "k",
    value: Buffer.from("{}"),
    headers: new Map<string, Uint8Array>(),
  };
  await approval.store.transaction("quarantine", (tx) =>
    tx.quarantine.insert(quarantineId, { ...record, reason: "malformed", detail: "not JSON in UTF-8" }),
  );
  const told: RecordReplayed = {
    type: "record.replayed",
    by: { kind: "service", name: "test" },
    ...{ denialId: undefined, requestId: undefined, grantId: undefined, policyRevision: undefined },
    data: {
      ...{ quarantineId, topic: "denials", partition: 5, offset: "1" },
      ...{ outcome: "taken", reason: undefined },
    },
  };
  const outcome = await approval.commands.acceptDenial({ denial, origin: { quarantineId, told } });
  expect(outcome).toEqual({ kind: "accepted", isNew: false, submitted: undefined });
  expect(await approval.store.reads.quarantined(quarantineId)).toMatchObject({ replayedAt: expect.any(Number) });
  expect(await requestsOf(denial)).toBe(1);
});

test("one that is delivered 16 times at the same moment makes one request", async () => {
  const denial = denialFor(account(randomUUID()), await approval.store.reads.now(), { justification });
  const accepts = Array.from({ length: 16 }, async (_, partition) => {
    const from = await storedOffset(approval.database, "denials at once", partition, 0n);
    const origin = { topic: "denials at once", partition, from, next: from + 1n };
    return approval.commands.acceptDenial({ denial, origin });
  });
  const settled = await Promise.allSettled(accepts);
  expect(settled.some(({ status }) => status === "fulfilled")).toBe(true);
  // Whoever came at the same moment is told to read it again, which changes nothing.
  for (const one of settled) if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "conflict" });
  expect(await deliver(denial)).toBeUndefined();
  expect(await requestsOf(denial)).toBe(1);
});
