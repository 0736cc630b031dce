/** When a limited grant is used, and when not: a use is counted at most once, and never for nothing. */
import { describe, expect, test } from "@jest/globals";
import { candidate, covered, evaluateIn, refused } from "../../test/harness/decision-path.ts";
import { isAllow } from "../../core/domain/decision.ts";

describe("a grant with limited uses", () => {
  test("is not used when less than 50 ms are left", async () => {
    const seen = await evaluateIn({ match: covered(candidate(1)), leftMs: () => 49 });
    expect(seen.decision).toMatchObject({ kind: "deny", reason: "redemption_unavailable" });
    expect(seen.calls).toEqual([]);
  });

  test("that could surely not be redeemed is unavailable, and no other one is tried", async () => {
    const match = covered(candidate(1), candidate(2));
    const seen = await evaluateIn({ match, redemptions: [{ kind: "unavailable" }] });
    expect(seen.decision).toMatchObject({ kind: "deny", reason: "redemption_unavailable" });
    expect(seen.calls).toEqual(["redeem 1"]);
  });

  test.each([{ kind: "unknown" as const }, refused("duplicate")])(
    "whose use is not known is denied and no other one is tried: %j",
    async (redemption) => {
      const match = covered(candidate(1), candidate(2));
      const seen = await evaluateIn({ match, redemptions: [redemption] });
      expect(seen.decision).toMatchObject({ kind: "deny", reason: "redemption_unknown" });
      expect(seen.calls).toEqual(["redeem 1"]);
    },
  );

  test("is tried three times at most, then approval is needed, with the nearest reason", async () => {
    const match = covered(candidate(1), candidate(2), candidate(3), candidate(4));
    const redemptions = [
      refused("expired"),
      refused("spent"),
      refused("revoked"),
      { kind: "granted" as const, uses: 1 },
    ];
    const seen = await evaluateIn({ match, redemptions });
    expect(seen.decision).toMatchObject({ kind: "needs_approval", grantReason: "spent" });
    expect(seen.calls).toEqual(["redeem 1", "redeem 2", "redeem 3", "publish"]);
  });

  test("that is refused for another reason is not followed by the next one", async () => {
    const match = covered(candidate(1), candidate(2));
    const seen = await evaluateIn({ match, redemptions: [refused("outside")] });
    expect(seen.decision).toMatchObject({ kind: "needs_approval", grantReason: "outside" });
    expect(seen.calls).toEqual(["redeem 1", "publish"]);
  });

  test("allows once redeemed, and says which use it was", async () => {
    const match = covered(candidate(1), candidate(2));
    const seen = await evaluateIn({ match, redemptions: [refused("spent"), { kind: "granted", uses: 1 }] });
    expect(isAllow(seen.decision)).toBe(true);
    expect(seen.decision).toMatchObject({ by: { kind: "grant", grant: { id: candidate(2).grant.id, uses: 1 } } });
    expect(seen.calls).toEqual(["redeem 1", "redeem 2"]);
  });
});
