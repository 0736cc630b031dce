import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { A, ELEVATION, GRANT, NOW, uuid } from "../../test/samples/domain.ts";
import { allowByGrant, decisionFrom, isAllow, NO_RESPONSE_FIELDS } from "./decision.ts";
import { asOf, asOfUntil, expire, type Grant, redeem, type RedemptionClaim, revoke } from "./grant.ts";
import { digest, id } from "./id.ts";
import { instant } from "./time.ts";

const B = digest("b".repeat(64));
const grant = GRANT;
const ending = { by: { kind: "service", name: "test" }, policyRevision: "r1", reason: undefined } as const;
const claim: RedemptionClaim = {
  redemptionId: id("decision", uuid(4)),
  grantId: grant.id,
  issuer: grant.issuer,
  subject: grant.subject,
  actors: [],
  entitlement: grant.entitlement,
  scope: grant.scope,
  digest: undefined,
};
const elevation = ELEVATION;

describe("redeeming", () => {
  test.each<[string, Partial<RedemptionClaim>]>([
    ["another issuer", { issuer: "https://b" }],
    ["another subject", { subject: "sam" }],
    ["an agent for the subject", { actors: [{ issuer: grant.issuer, id: "bot" }] }],
    ["another entitlement", { entitlement: "refunds" }],
    ["another scope", { scope: "order/43" }],
    ["another grant", { grantId: id("grant", uuid(9)) }],
  ])("%s is outside", (_name, other) => {
    expect(redeem(grant, { ...claim, ...other }, NOW)).toEqual({ kind: "refused", reason: "outside" });
  });

  test("an exact grant is outside without its digest", () => {
    const exact: Grant = { ...grant, binding: { kind: "exact", digest: A, bindHeaders: [] } };
    expect(redeem(exact, claim, NOW)).toEqual({ kind: "refused", reason: "outside" });
    expect(redeem(exact, { ...claim, digest: B }, NOW)).toEqual({ kind: "refused", reason: "outside" });
    expect(redeem(exact, { ...claim, digest: A }, NOW).kind).toBe("redeemed");
  });

  test.each<[string, Partial<Grant>, string]>([
    ["consumed", { state: "consumed" }, "spent"],
    ["consumed without a limit", { state: "consumed", maxUses: "unlimited" }, "spent"],
    ["used as often as it may be, whatever its state says", { uses: 1 }, "spent"],
    ["expired before its time", { state: "expired" }, "expired"],
    ["revoked", { state: "revoked" }, "revoked"],
  ])("a grant that is %s is not used", (_name, over, reason) => {
    expect(redeem({ ...grant, ...over }, claim, NOW)).toEqual({ kind: "refused", reason });
  });

  test("the last use consumes it, one before does not, and without a limit none does", () => {
    const after = (over: Partial<Grant>) => {
      const outcome = redeem({ ...grant, ...over }, claim, NOW);
      return outcome.kind === "redeemed" ? [outcome.grant.state, outcome.grant.uses] : outcome.reason;
    };
    expect(after({})).toEqual(["consumed", 1]);
    expect(after({ maxUses: 2 })).toEqual(["active", 1]);
    expect(after({ maxUses: "unlimited", uses: 40 })).toEqual(["active", 41]);
  });

  test("does not expire before its end", () => {
    expect(expire(grant, "r1", instant(NOW + 599_999))).toEqual({ kind: "already_final" });
    expect(expire(grant, "r1", grant.expiresAt)).toMatchObject({
      kind: "ended",
      grant: { state: "expired" },
      event: { type: "grant.expired", grantId: grant.id, policyRevision: "r1" },
    });
  });

  test("is shown as scheduled, active or expired by the time, and as its end once it has one, whatever was written", () => {
    const states = (one: Grant) => [-1, 0, 599_999, 600_000].map((ms) => asOf(one, instant(NOW + ms)).state);
    for (const state of ["scheduled", "active"] as const)
      expect(states({ ...grant, state })).toEqual(["scheduled", "active", "active", "expired"]);
    for (const state of ["consumed", "expired", "revoked"] as const)
      expect(states({ ...grant, state })).toEqual([state, state, state, state]);
  });

  test("may have been shown in each state up to that of the time, and what ended otherwise in that alone", () => {
    const states = (one: Grant, ms: number) => asOfUntil(one, instant(NOW + ms)).map(({ state }) => state);
    const reached = ["scheduled", "active", "expired"] as const;
    for (const state of ["scheduled", "active"] as const) {
      for (const [n, ms] of [-1, 0, 600_000].entries())
        expect(states({ ...grant, state }, ms)).toEqual(reached.slice(0, n + 1));
    }
    expect(states({ ...grant, state: "expired" }, 600_000)).toEqual(reached);
    for (const state of ["consumed", "revoked"] as const) expect(states({ ...grant, state }, 600_000)).toEqual([state]);
  });

  test("is not revoked once its time is over, before that it is, begun or not", () => {
    expect(revoke(grant, ending, grant.expiresAt)).toEqual({ kind: "already_final" });
    for (const now of [instant(NOW - 1), instant(NOW + 599_999)])
      expect(revoke({ ...grant, state: "scheduled" }, ending, now)).toMatchObject({ grant: { state: "revoked" } });
  });

  test("begins at notBefore and ends before expiresAt", () => {
    expect(redeem(grant, claim, instant(NOW - 1))).toEqual({ kind: "refused", reason: "not_yet_active" });
    expect(redeem(grant, claim, grant.expiresAt)).toEqual({ kind: "refused", reason: "expired" });
    expect(redeem({ ...grant, state: "scheduled" }, claim, NOW).kind).toBe("redeemed");
  });

  test("uses never exceed maxUses and nothing leaves a final state, whatever happens in whatever order", () => {
    const step = fc.tuple(fc.constantFrom("redeem", "revoke", "expire"), fc.integer({ min: 0, max: 700_000 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 20 }), (maxUses, steps) => {
        let current: Grant = { ...grant, maxUses };
        for (const [what, afterMs] of steps) {
          const at = instant(NOW + afterMs);
          const before = current;
          if (what === "redeem") {
            const outcome = redeem(current, claim, at);
            if (outcome.kind === "redeemed") current = outcome.grant;
          } else {
            const outcome = what === "revoke" ? revoke(current, ending, at) : expire(current, "r1", at);
            if (outcome.kind === "ended") current = outcome.grant;
          }
          expect(current.uses).toBeLessThanOrEqual(maxUses);
          if (["consumed", "expired", "revoked"].includes(before.state)) expect(current).toBe(before);
          expect(current === before || current.version === before.version + 1).toBe(true);
        }
      }),
    );
  });
});

describe("an allow", () => {
  const verdict = { kind: "elevate", elevations: [elevation], response: NO_RESPONSE_FIELDS } as const;
  const candidate = { elevation, grant, digest: undefined };

  test("is not what merely looks like one", () => {
    const forged = { kind: "allow", by: { kind: "policy" }, reasons: [], response: NO_RESPONSE_FIELDS };
    // @ts-expect-error a forged allow does not type-check either
    expect(isAllow(forged)).toBe(false);
  });

  test("is not made from a limited grant that was not redeemed", () => {
    expect(allowByGrant(verdict, { kind: "window", candidate })).toMatchObject({
      kind: "deny",
      reason: "internal_error",
    });
  });

  test("is not made by the redemption of another grant, or for an elevation that is not offered", () => {
    const other: Grant = { ...grant, id: id("grant", uuid(9)) };
    expect(allowByGrant(verdict, { kind: "redeemed", candidate, grant: other }).kind).toBe("deny");
    const stale = { ...candidate, elevation: { ...elevation } };
    expect(allowByGrant(verdict, { kind: "redeemed", candidate: stale, grant }).kind).toBe("deny");
  });

  test("is not made by a grant for something else than the elevation it is said to cover", () => {
    for (const wrong of [
      { ...grant, scope: "order/43" },
      { ...grant, entitlement: "refunds" },
    ]) {
      const use = { kind: "redeemed", candidate: { ...candidate, grant: wrong }, grant: wrong } as const;
      expect(allowByGrant(verdict, use).kind).toBe("deny");
    }
  });

  test("is made by the policy, or by a grant that was used", () => {
    expect(isAllow(decisionFrom({ kind: "allow", reasons: ["r"], response: NO_RESPONSE_FIELDS }))).toBe(true);
    expect(isAllow(allowByGrant(verdict, { kind: "redeemed", candidate, grant }))).toBe(true);
  });

  test("does not come from a deny without a rule, nor from a fault", () => {
    expect(decisionFrom({ kind: "deny", reasons: [], response: NO_RESPONSE_FIELDS })).toMatchObject({
      kind: "deny",
      reason: "no_rule_matched",
    });
    expect(decisionFrom({ kind: "fault", reason: "policy_error", detail: "d" })).toMatchObject({
      kind: "deny",
      reason: "policy_error",
    });
  });
});
