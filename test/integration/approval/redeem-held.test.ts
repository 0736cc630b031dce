/** A grant whose row somebody holds, on a real server: what its callers cost everybody else, and what is used for those who have gone. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Grant, RedemptionClaim } from "../../../core/domain/grant.ts";
import { type Approval, createApproval, ids } from "./approval-fixture.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
}, 90_000);
afterAll(() => approval.close());

function claimOf({ id: grantId, issuer, subject, entitlement, scope }: Grant): RedemptionClaim {
  return { redemptionId: ids.fresh("decision"), grantId, issuer, subject, entitlement, scope, digest: undefined };
}

/** Resolves once the row is held, with what lets it go. */
async function hold({ id }: Grant): Promise<() => Promise<void>> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: isLocked } = Promise.withResolvers<void>();
  const holding = approval.database.transaction(async (tx) => {
    await tx.query("select 1 from grants where id = $1 for update", [id]);
    isLocked();
    await released;
  });
  await Promise.race([locked, holding]);
  return async () => {
    release();
    await holding;
  };
}

async function inLocks(): Promise<number> {
  const { rowCount } = await approval.database.query(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rowCount ?? 0;
}

test("a stream of callers of a held grant keeps one connection, and those who went while they stood in line use nothing", async () => {
  const [held, free] = [await approval.grant({ maxUses: 90 }), await approval.grant({ maxUses: 90 })];
  const letGo = await hold(held);
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
  expect(await inLocks()).toBe(1);
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
