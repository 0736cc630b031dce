/** Redemptions that come together, on a real server: they share a statement, and nobody is worse off for it. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Grant } from "../../../core/domain/grant.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { createRedemption } from "../../../services/approval/store/redeem-together.ts";
import { type Approval, createApproval, ids } from "./approval-fixture.ts";
import { claimOf, hold, holdRow, inLocks } from "./redeeming.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());

async function grants(count: number, maxUses = 1): Promise<readonly Grant[]> {
  const made: Grant[] = [];
  for (let n = 0; n < count; n += 1) made.push(await approval.grant({ maxUses }));
  return made;
}

const kinds = (outcomes: readonly { readonly kind: string }[]) => outcomes.map(({ kind }) => kind);
const usesOf = async ({ id }: Grant) => (await approval.store.reads.grant(id))?.uses;

test("uses of 40 grants at once are few transactions, and leave one use, one redemption and one event each", async () => {
  const many = await grants(40, 2);
  const claims = many.map((grant) => claimOf(grant));
  const outcomes = await Promise.all(claims.map((claim) => approval.store.redeem(claim)));
  // Each is answered with its own grant.
  expect(outcomes).toEqual(
    many.map(({ id }) => ({ kind: "redeemed", grant: expect.objectContaining({ id, uses: 1 }) })),
  );
  const { rows } = await approval.database.query(
    `select count(*)::int as redemptions, count(distinct grant_id)::int as grants, count(distinct xmin::text)::int <= 3 as few,
            (select count(*)::int from outbox where event -> 'data' ->> 'redemption_id' = any ($1)) as events
       from redemptions where redemption_id::text = any ($1)`,
    [claims.map(({ redemptionId }) => redemptionId)],
  );
  expect(rows).toEqual([{ redemptions: 40, grants: 40, few: true, events: 40 }]);
});

test("each of a round has its own answer: spent, outside and unknown stand beside what is granted", async () => {
  const [good, spent, other] = await grants(3);
  if (good === undefined || spent === undefined || other === undefined) throw new Error("too few grants");
  await approval.store.redeem(claimOf(spent));
  const outcomes = await Promise.all(
    [
      claimOf(good),
      claimOf(spent),
      { ...claimOf(other), scope: "order/other" },
      { ...claimOf(good), grantId: ids.fresh("grant") },
    ].map((claim) => approval.store.redeem(claim)),
  );
  expect(outcomes).toEqual([
    expect.objectContaining({ kind: "redeemed" }),
    { kind: "refused", reason: "spent" },
    { kind: "refused", reason: "outside" },
    { kind: "refused", reason: "unknown_grant" },
  ]);
  expect(await usesOf(other)).toBe(0);
});

test("a grant whose row somebody holds keeps nobody else waiting, and is used when the row is free", async () => {
  const [held, ...others] = await grants(9);
  if (held === undefined) throw new Error("no grant");
  const letGo = await holdRow(approval.database, held);
  let isAnswered = false;
  const waits = approval.store.redeem(claimOf(held)).finally(() => {
    isAnswered = true;
  });
  const outcomes = await Promise.all(others.map((grant) => approval.store.redeem(claimOf(grant))));
  expect(new Set(kinds(outcomes))).toEqual(new Set(["redeemed"]));
  expect(isAnswered).toBe(false);
  await letGo();
  expect(await waits).toMatchObject({ kind: "redeemed", grant: { id: held.id, uses: 1 } });
});

/** The redemptions of a process of its own, whose statements are counted. */
function counted() {
  let statements = 0;
  const database: Queryable = {
    query: (...asked) => {
      statements += 1;
      return approval.database.query(...asked);
    },
  };
  return { ...createRedemption(database, { ids, deployment: "test" }), statements: () => statements };
}

test("64 uses of one grant at once are few statements, and each is counted, kept and told under its own number", async () => {
  const [grant] = await grants(1, 70);
  if (grant === undefined) throw new Error("no grant");
  const { redeem, statements } = counted();
  const claims = Array.from({ length: 64 }, () => claimOf(grant));
  const outcomes = await Promise.all(claims.map((claim) => redeem(claim)));
  expect(outcomes).toEqual(
    claims.map((_, at) => ({
      kind: "redeemed",
      grant: { ...grant, state: "active", uses: at + 1, version: grant.version + at + 1 },
    })),
  );
  expect(statements()).toBeLessThan(8);
  const { rows } = await approval.database.query(
    `select uses, grant_version - uses as before, (event -> 'data' ->> 'uses')::int as told
       from redemptions join outbox on event -> 'data' ->> 'redemption_id' = redemption_id::text
      where redemption_id = any ($1::uuid[]) order by array_position($1::uuid[], redemption_id)`,
    [claims.map(({ redemptionId }) => redemptionId)],
  );
  expect(rows).toEqual(claims.map((_, at) => ({ uses: at + 1, before: grant.version, told: at + 1 })));
  expect(await usesOf(grant)).toBe(64);
});

test("64 uses at once of a grant with fewer: as many as it has, and all others are told their own reason by one look", async () => {
  const { redeem, statements } = counted();
  for (const maxUses of [1, 3]) {
    const [grant, other] = await grants(2, maxUses);
    if (grant === undefined || other === undefined) throw new Error("too few grants");
    const before = claimOf(other);
    await redeem(before);
    const outcomes = await Promise.all([
      redeem({ ...claimOf(grant), scope: "order/other" }),
      redeem(claimOf(grant, { redemptionId: before.redemptionId })),
      ...Array.from({ length: 62 }, () => redeem(claimOf(grant))),
    ]);
    expect(outcomes[0]).toEqual({ kind: "refused", reason: "outside" });
    expect(outcomes[1]).toEqual({ kind: "refused", reason: "duplicate" });
    const rest = outcomes.slice(2);
    const spent = { kind: "refused", reason: "spent" };
    expect(rest.filter(({ kind }) => kind === "redeemed")).toHaveLength(maxUses);
    expect(rest.filter(({ kind }) => kind === "refused")).toEqual(Array.from({ length: 62 - maxUses }, () => spent));
    expect(await usesOf(grant)).toBe(maxUses);
  }
  const [spent] = await grants(1);
  if (spent === undefined) throw new Error("no grant");
  await redeem(claimOf(spent));
  const begun = statements();
  await Promise.all(Array.from({ length: 64 }, () => redeem(claimOf(spent))));
  expect(statements() - begun).toBeLessThan(8);
});

test("a grant of ten uses, asked for by four processes at once and over and over, is used ten times, each under its own number", async () => {
  for (let round = 0; round < 15; round += 1) {
    const [grant] = await grants(1, 10);
    if (grant === undefined) throw new Error("no grant");
    const processes = Array.from({ length: 4 }, counted);
    const outcomes = await Promise.all(
      processes.flatMap(({ redeem }) =>
        Array.from({ length: 4 }, async () => [await redeem(claimOf(grant)), await redeem(claimOf(grant))]),
      ),
    );
    const counts = outcomes.flat().flatMap((one) => (one.kind === "redeemed" ? [one.grant.uses] : []));
    expect(counts.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await approval.store.reads.grant(grant.id)).toMatchObject({ uses: 10, state: "consumed", version: 11 });
  }
});

test("uses of one grant behind a row that somebody holds keep few connections, and each is answered once it is free", async () => {
  const [held] = await grants(1, 30);
  if (held === undefined) throw new Error("no grant");
  const letGo = await holdRow(approval.database, held);
  const { redeem, statements } = counted();
  const answers = Promise.all(Array.from({ length: 64 }, () => redeem(claimOf(held))));
  await waitUntil("them to wait for the row", 30_000, async () => (await inLocks(approval.database)) > 0);
  expect(statements()).toBeLessThan(8);
  await letGo();
  const outcomes = await answers;
  expect(kinds(outcomes).filter((kind) => kind === "redeemed")).toHaveLength(30);
  expect(outcomes.filter(({ kind }) => kind === "refused")).toEqual(
    Array.from({ length: 34 }, () => ({ kind: "refused", reason: "spent" })),
  );
  expect(await usesOf(held)).toBe(30);
});

test("a redemption id that was used before is a duplicate, and undoes nothing of those that came with it", async () => {
  const [before, again, ...others] = await grants(8, 3);
  if (before === undefined || again === undefined) throw new Error("too few grants");
  const used = claimOf(before);
  await approval.store.redeem(used);
  const claims = [claimOf(again, { redemptionId: used.redemptionId }), ...others.map((grant) => claimOf(grant))];
  const [repeated, ...rest] = await Promise.all(claims.map((claim) => approval.store.redeem(claim)));
  expect(repeated).toEqual({ kind: "refused", reason: "duplicate" });
  expect(new Set(kinds(rest))).toEqual(new Set(["redeemed"]));
  expect(await Promise.all([again, before, ...others].map(usesOf))).toEqual([0, 1, ...others.map(() => 1)]);
});

test("a use that was counted and whose answer was lost is a fault to its caller, asked for once, and found again by its id", async () => {
  const [lost, beside] = await grants(2, 3);
  if (lost === undefined || beside === undefined) throw new Error("too few grants");
  let statements = 0;
  const { redeem } = createRedemption(
    {
      async query(...asked) {
        statements += 1;
        await approval.database.query(...asked);
        throw new Error("Connection terminated unexpectedly");
      },
    },
    { ids, deployment: "test" },
  );
  const claims = [claimOf(lost), claimOf(beside)];
  for (const answer of await Promise.allSettled(claims.map((claim) => redeem(claim)))) {
    expect(answer).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining("terminated") } });
  }
  expect(statements).toBe(1);
  const again = await Promise.all(claims.map((claim) => approval.store.redeem(claim)));
  expect(again).toEqual(claims.map(() => ({ kind: "refused", reason: "duplicate" })));
  expect(await Promise.all([lost, beside].map(usesOf))).toEqual([1, 1]);
  const { rows } = await approval.database.query(
    `select count(*)::int as kept from redemptions join outbox on event -> 'data' ->> 'redemption_id' = redemption_id::text
      where redemption_id = any ($1::uuid[])`,
    [claims.map(({ redemptionId }) => redemptionId)],
  );
  expect(rows).toEqual([{ kept: 2 }]);
});

test("one redemption id for two grants at once uses the one that can be used, and answers each for its own grant", async () => {
  const [spent, good] = await grants(2);
  if (spent === undefined || good === undefined) throw new Error("too few grants");
  await approval.store.redeem(claimOf(spent));
  const redemptionId = ids.fresh("decision");
  const [refused, redeemed] = await Promise.all(
    [spent, good].map((grant) => approval.store.redeem(claimOf(grant, { redemptionId }))),
  );
  expect(refused).toEqual({ kind: "refused", reason: "duplicate" });
  expect(redeemed).toMatchObject({ kind: "redeemed", grant: { id: good.id, uses: 1 } });
});

test("when the connection of a round is lost, each of it is told so, nobody is asked for again, and the next one works", async () => {
  const many = await grants(6, 3);
  const letGo = await hold(approval.database, "lock table redemptions in exclusive mode");
  const answers = Promise.allSettled(many.map((grant) => approval.store.redeem(claimOf(grant))));
  await waitUntil("the round to wait for the table", 30_000, async () => (await inLocks(approval.database)) > 0);
  await approval.database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  for (const answer of await answers) {
    expect(answer).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
  }
  await letGo();
  expect(await Promise.all(many.map(usesOf))).toEqual(many.map(() => 0));
  const outcomes = await Promise.all(many.map((grant) => approval.store.redeem(claimOf(grant))));
  expect(new Set(kinds(outcomes))).toEqual(new Set(["redeemed"]));
});
