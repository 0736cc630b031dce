/** The redemption statement on a real server: raced, and held against the domain's rule. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { MaxUses } from "../../../core/domain/elevation.ts";
import { redeem, type RedemptionClaim } from "../../../core/domain/grant.ts";
import { digest } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { useGrants, useOf, whyNoneUsed } from "../../../services/approval/store/redeem-grant.ts";
import { type Approval, createApproval, ids } from "./approval-fixture.ts";
import { claimOf } from "./redeeming.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());

test("a one-use grant redeemed by 64 callers at once is granted exactly once, in every one of 50 rounds", async () => {
  for (let round = 0; round < 50; round += 1) {
    const grant = await approval.grant({ maxUses: 1 });
    const answers = await Promise.all(Array.from({ length: 64 }, () => approval.store.redeem(claimOf(grant))));
    expect(answers.filter((answer) => answer.kind === "redeemed")).toHaveLength(1);
    const refusals = answers.flatMap((answer) => (answer.kind === "refused" ? [answer.reason] : []));
    expect(new Set(refusals)).toEqual(new Set(["spent"]));
    expect(await approval.store.reads.grant(grant.id)).toMatchObject({ uses: 1, state: "consumed", version: 2 });
  }
}, 400_000);

test("one redemption id sent 16 times at once counts one use and is a duplicate 15 times", async () => {
  const grant = await approval.grant({ maxUses: 10 });
  const claim = claimOf(grant);
  const answers = await Promise.all(Array.from({ length: 16 }, () => approval.store.redeem(claim)));
  expect(answers.filter((answer) => answer.kind === "redeemed")).toHaveLength(1);
  expect(answers.filter((answer) => answer.kind === "refused" && answer.reason === "duplicate")).toHaveLength(15);
  expect(await approval.store.reads.grant(grant.id)).toMatchObject({ uses: 1, version: 2 });
});

test("a grant that is not known is refused and leaves no redemption", async () => {
  const grant = await approval.grant();
  const claim = claimOf(grant, { grantId: ids.fresh("grant") });
  expect(await approval.store.redeem(claim)).toEqual({ kind: "refused", reason: "unknown_grant" });
  const { rowCount } = await approval.database.query("select 1 from redemptions where redemption_id = $1", [
    claim.redemptionId,
  ]);
  expect(rowCount).toBe(0);
});

test("a grant for an account through an agent is used through that agent alone, and the record of the use names it", async () => {
  const [bot, other] = ["bot", "other"].map((name) => [{ issuer: "https://issuer.example", id: name }]);
  const grant = await approval.grant({ actors: bot ?? [] });
  expect(await approval.store.reads.grant(grant.id)).toEqual(grant);
  for (const actors of [[], other ?? [], [...(bot ?? []), ...(other ?? [])]])
    expect(await approval.store.redeem(claimOf(grant, { actors }))).toEqual({ kind: "refused", reason: "outside" });
  const claim = claimOf(grant);
  expect((await approval.store.redeem(claim)).kind).toBe("redeemed");
  const { rows } = await approval.database.query<{ actors: unknown }>(
    "select event -> 'data' -> 'by' -> 'actors' as actors from outbox where event -> 'data' ->> 'redemption_id' = $1",
    [claim.redemptionId],
  );
  expect(rows).toEqual([{ actors: bot }]);
});

test("each use leaves its redemption and one complete event in the same statement", async () => {
  const grant = await approval.grant({ maxUses: 3 });
  const claim = claimOf(grant);
  await approval.store.redeem(claim);
  const { rows } = await approval.database.query<{ event: unknown }>(
    "select event from outbox where event -> 'data' ->> 'redemption_id' = $1",
    [claim.redemptionId],
  );
  expect(rows).toHaveLength(1);
  expect(rows[0]?.event).toMatchObject({
    type: "countersign.grant.used.v1",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    subject: `grant/${grant.id}`,
    data: {
      by: { person: { ...grant.person }, issuer: grant.issuer, subject: grant.subject, actors: [] },
      denial_id: grant.denialId,
      request_id: grant.requestId,
      grant_id: grant.id,
      policy_revision: "sha256:1f0e",
      uses: 1,
      max_uses: 3,
      entitlement: grant.entitlement,
      scope: grant.scope,
    },
  });
});

test.each([
  ["without a digest", undefined],
  ["with another digest", digest("b".repeat(64))],
])("an exact grant %s is outside, and not used", async (_how, given) => {
  const binding = { kind: "exact", digest: digest("a".repeat(64)), bindHeaders: [] } as const;
  const grant = await approval.grant({ binding });
  const claim = claimOf(grant, { digest: given });
  expect(await approval.store.redeem(claim)).toEqual({ kind: "refused", reason: "outside" });
  expect(await approval.store.reads.grant(grant.id)).toEqual(grant);
});

test("a use notifies nobody in its own transaction, which would queue all uses for one lock; what else becomes of a grant does", async () => {
  const grant = await approval.grant({ maxUses: 3 });
  await using session = await approval.database.openSession("listener");
  const heard: string[] = [];
  session.onNotification((channel) => heard.push(channel));
  for (const channel of ["countersign_grants", "countersign_outbox", "told"]) await session.query(`listen ${channel}`);
  expect((await approval.store.redeem(claimOf(grant))).kind).toBe("redeemed");
  await approval.database.query("notify told");
  await waitUntil("what came before this to be told", 30_000, () => heard.includes("told"));
  expect(heard).toEqual(["told"]);
  await approval.database.query("update grants set version = version + 1, state = 'revoked' where id = $1", [grant.id]);
  await waitUntil("a revocation to be told", 30_000, () => heard.includes("countersign_grants"));
});

test.each([
  ["for what comes together", (claim: RedemptionClaim) => approval.store.redeem(claim)],
  [
    "that waits for its row",
    async (claim: RedemptionClaim) => {
      const use = useOf(claim, { ids, deployment: "test" });
      const [tried] = await useGrants(approval.database, [use], { waits: true });
      return tried?.kind === "redeemed" ? tried : (await whyNoneUsed(approval.database, [claim]))[0];
    },
  ],
])("the statement %s answers like the domain's redeem on any grant and any claim", async (_which, ask) => {
  const now = await approval.store.reads.now();
  const far = 600_000; // far from the clock's edge on both sides, so that both rules see the same side of it
  const shapes = fc.record({
    state: fc.constantFrom("scheduled", "active", "consumed", "expired", "revoked"),
    max: fc.constantFrom<MaxUses[]>(1, 2, 3, "unlimited"),
    used: fc.integer({ min: 0, max: 3 }),
    begun: fc.boolean(),
    over: fc.boolean(),
    exact: fc.boolean(),
    wrong: fc.constantFrom("", "", "", "issuer", "subject", "entitlement", "scope", "digest"),
  } as const);
  await fc.assert(
    fc.asyncProperty(shapes, async ({ state, max, used, begun, over, exact, wrong }) => {
      const notBefore = instant(begun ? now - 3 * far : over ? now - 2 * far : now + far);
      const grant = await approval.grant({
        state,
        maxUses: max,
        uses: max === "unlimited" ? used : Math.min(used, max),
        notBefore,
        expiresAt: instant(over ? now - far : notBefore + 6 * far),
        binding: exact
          ? { kind: "exact", digest: digest("a".repeat(64)), bindHeaders: ["x-currency"] }
          : { kind: "scope" },
      });
      const other = wrong === "digest" ? digest("b".repeat(64)) : "other";
      const claim = claimOf(grant, wrong === "" ? {} : { [wrong]: other });
      const expected = redeem(grant, claim, await approval.store.reads.now());
      expect(await ask(claim)).toEqual(expected);
      const after = expected.kind === "redeemed" ? expected.grant : grant;
      // As it is written: whoever reads it is shown what the time has made of it.
      const stored = approval.store.transaction("sweep grants", (tx) => tx.grants.lock(grant.id));
      expect(await stored).toEqual(after);
    }),
    { numRuns: 150 },
  );
});
