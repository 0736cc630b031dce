/** A grant whose row somebody holds, on a real server: what its callers cost everybody else, and what is used for those who have gone. */
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { type Approval, createApproval } from "./approval-fixture.ts";
import { claimOf, holdRow, inLocks } from "./redeeming.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());

/** As redeem-together.ts has it: a statement that waits for longer lets those who stand in line ask by one of their own, whoever has gone. */
const HELD_LATE_MS = 1_000;
const CALLERS = 40;
const TRIES = 10;

/** Callers one after the other, of a grant whose row is held and of one that is free; half of those of the held one go before it is let go. */
async function streamOfCallers() {
  const [held, free] = [await approval.grant({ maxUses: 90 }), await approval.grant({ maxUses: 90 })];
  const letGo = await holdRow(approval.database, held);
  const begun = performance.now();
  let haveGone = false;
  const stayed: Promise<unknown>[] = [approval.store.redeem(claimOf(held))];
  await waitUntil("the first to wait for the row", 30_000, async () => (await inLocks(approval.database)) === 1);
  const gone: Promise<{ readonly kind: string }>[] = [];
  const others: Promise<unknown>[] = [];
  for (let call = 0; call < CALLERS; call += 1) {
    stayed.push(approval.store.redeem(claimOf(held)));
    gone.push(approval.store.redeem(claimOf(held), () => haveGone));
    others.push(approval.store.redeem(claimOf(free)));
    await turn();
  }
  expect(await Promise.all(others)).toEqual(others.map(() => expect.objectContaining({ kind: "redeemed" })));
  const waiting = await inLocks(approval.database);
  haveGone = true;
  const tookMs = performance.now() - begun;
  await letGo();
  expect(await Promise.all(stayed)).toEqual(stayed.map(() => expect.objectContaining({ kind: "redeemed" })));
  const dropped = (await Promise.all(gone)).filter(({ kind }) => kind === "caller_gone").length;
  const used = await approval.store.reads.grant(held.id);
  expect(used?.uses).toBe(stayed.length + gone.length - dropped);
  return { tookMs, waiting, dropped };
}

test("a stream of callers of a held grant keeps one connection, and those who went while they stood in line use nothing", async () => {
  for (let tries = 1; ; tries += 1) {
    const { tookMs, waiting, dropped } = await streamOfCallers();
    if (tookMs >= HELD_LATE_MS && tries < TRIES) continue;
    expect({ waiting, dropped }).toEqual({ waiting: 1, dropped: CALLERS });
    return;
  }
});
