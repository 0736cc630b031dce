import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { A, ELEVATION, GRANT, NOW, uuid } from "../../test/samples/domain.ts";
import { covering, type CoveringInput } from "./covers.ts";
import { allowByGrant, decisionFrom, isAllow, NO_RESPONSE_FIELDS } from "./decision.ts";
import { asOf, expire, type Grant, redeem, type RedemptionClaim, revoke } from "./grant.ts";
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

describe("covering", () => {
  const at = (serverMs: number, databaseMs = serverMs): CoveringInput["at"] => ({
    kind: "fresh",
    serverNow: instant(serverMs),
    databaseTime: instant(databaseMs),
  });
  const cover = (more: Partial<CoveringInput>) =>
    covering({ account, elevations: [elevation], grants: [grant], at: at(NOW), digestOf: () => A, ...more });
  const account = { issuer: grant.issuer, subject: grant.subject, actors: [] };
  const through = (...names: readonly string[]) => names.map((name) => ({ issuer: grant.issuer, id: name }));

  test.each<[string, Partial<CoveringInput>, string | undefined]>([
    ["a grant of somebody else", { account: { ...account, subject: "sam" } }, undefined],
    ["a grant of the same name at another issuer", { account: { ...account, issuer: "https://b" } }, undefined],
    [
      "a grant for dana alone, used by an agent that acts for her,",
      { account: { ...account, actors: through("bot") } },
      undefined,
    ],
    [
      "a grant for an agent that acts for dana, used by her,",
      { grants: [{ ...grant, actors: through("bot") }] },
      undefined,
    ],
    [
      "a grant for one agent, used by another,",
      { grants: [{ ...grant, actors: through("bot") }], account: { ...account, actors: through("agent") } },
      undefined,
    ],
    [
      "a grant for a chain of two, used by the same in another order,",
      {
        grants: [{ ...grant, actors: through("bot", "agent") }],
        account: { ...account, actors: through("agent", "bot") },
      },
      undefined,
    ],
    ["a grant for another order is outside", { grants: [{ ...grant, scope: "order/43" }] }, "outside"],
    ["a spent grant", { grants: [{ ...grant, state: "consumed", uses: 1 }] }, "spent"],
    ["a revoked grant", { grants: [{ ...grant, state: "revoked" }] }, "revoked"],
    ["a grant within two seconds of its end", { at: at(NOW + 598_000) }, "expired"],
    ["the same by the server's time while the heartbeat is older", { at: at(NOW + 598_000, NOW + 594_000) }, "expired"],
    [
      "a grant for another order that has not begun is no miss at all",
      { grants: [{ ...grant, scope: "order/43" }], at: at(NOW + 5_000, NOW - 1) },
      undefined,
    ],
    [
      "a grant on scope for an elevation that has become exact",
      { elevations: [{ ...elevation, binding: "exact" }] },
      "outside",
    ],
    [
      "an exact grant for another body",
      { grants: [{ ...grant, binding: { kind: "exact", digest: B, bindHeaders: [] } }] },
      "outside",
    ],
    [
      "an exact grant for a call that cannot be bound",
      { grants: [{ ...grant, binding: { kind: "exact", digest: A, bindHeaders: [] } }], digestOf: () => undefined },
      "outside",
    ],
    [
      "an exact grant that binds fewer headers than the policy asks for now",
      {
        elevations: [{ ...elevation, binding: "exact", bindHeaders: ["x-currency"] }],
        grants: [{ ...grant, binding: { kind: "exact", digest: A, bindHeaders: [] } }],
      },
      "outside",
    ],
    [
      "a grant for another entitlement is no miss at all",
      { grants: [{ ...grant, entitlement: "refunds" }] },
      undefined,
    ],
    ["no grant", { grants: [] }, undefined],
  ])("%s does not cover", (_name, more, nearest) => {
    expect(cover(more)).toEqual({ kind: "uncovered", nearest });
  });

  test("a grant whose start the database has not reached does not cover, and it is told when the first of them begins", () => {
    const later: Grant = { ...grant, id: id("grant", uuid(8)), notBefore: instant(NOW + 1_000) };
    const spent: Grant = { ...grant, id: id("grant", uuid(9)), state: "consumed" };
    const miss = { kind: "uncovered", nearest: "not_yet_active", begins: grant.notBefore };
    expect(cover({ at: at(NOW + 5_000, NOW - 1) })).toEqual(miss);
    expect(cover({ grants: [spent, later, grant], at: at(NOW + 5_000, NOW - 1) })).toEqual(miss);
    expect(cover({ grants: [later, spent], at: at(NOW + 500) })).toEqual({ ...miss, begins: later.notBefore });
  });

  test("windows are tried before limited uses, earliest expiry first", () => {
    const later: Grant = { ...grant, id: id("grant", uuid(8)), expiresAt: instant(NOW + 900_000) };
    const window: Grant = { ...later, id: id("grant", uuid(9)), maxUses: "unlimited" };
    const covered = cover({ grants: [later, grant, window] });
    expect(covered.kind === "covered" && covered.candidates.map((one) => one.grant.id)).toEqual([
      window.id,
      grant.id,
      later.id,
    ]);
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
