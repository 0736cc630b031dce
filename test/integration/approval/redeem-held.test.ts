/** A grant whose row somebody holds, on a real server: what its callers cost everybody else, and what is used for those who have gone. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Approval, createApproval } from "./approval-fixture.ts";
import { claimOf, holdRow, inLocks } from "./redeeming.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
}, 90_000);
afterAll(() => approval.close());

test("a stream of callers of a held grant keeps one connection, and those who went while they stood in line use nothing", async () => {
  const [held, free] = [await approval.grant({ maxUses: 90 }), await approval.grant({ maxUses: 90 })];
  const letGo = await holdRow(approval.database, held);
  let haveGone = false;
  const gone: Promise<{ readonly kind: string }>[] = [];
  const stayed: Promise<unknown>[] = [];
  const others: Promise<unknown>[] = [];
  await new Promise<void>((resolve) => {
    const stream = setInterval(() => {
      if (stayed.length === 40) {
        clearInterval(stream);
        return resolve();
      }
      stayed.push(approval.store.redeem(claimOf(held)));
      gone.push(approval.store.redeem(claimOf(held), () => haveGone));
      others.push(approval.store.redeem(claimOf(free)));
    }, 8);
  });
  expect(await inLocks(approval.database)).toBe(1);
  expect(await Promise.all(others)).toEqual(others.map(() => expect.objectContaining({ kind: "redeemed" })));
  haveGone = true;
  await letGo();
  expect(await Promise.all(stayed)).toEqual(stayed.map(() => expect.objectContaining({ kind: "redeemed" })));
  const dropped = (await Promise.all(gone)).filter(({ kind }) => kind === "caller_gone").length;
  // The first few were in the statement that waited already.
  expect(dropped).toBeGreaterThan(gone.length / 2);
  const used = await approval.store.reads.grant(held.id);
  expect(used?.uses).toBe(stayed.length + gone.length - dropped);
});
