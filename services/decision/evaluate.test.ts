import { describe, expect, test } from "@jest/globals";
import {
  candidate,
  covered,
  dana,
  elevate,
  elevation,
  evaluateIn,
  response,
} from "../../test/harness/decision-path.ts";
import type { Ports } from "./evaluate.ts";
import { isAllow, type Verdict } from "../../core/domain/decision.ts";
import { instant } from "../../core/domain/time.ts";

describe("denied", () => {
  test.each(["credential_malformed", "credential_expired", "keys_unavailable"] as const)(
    "a refused credential is never anonymous: %s",
    async (reason) => {
      const seen = await evaluateIn({ caller: { kind: "refused", reason }, verdict: elevate });
      expect(seen.decision).toMatchObject({ kind: "deny", reason });
      expect(seen.subject).toBeUndefined();
    },
  );

  test("what the policy denies is denied with its rules' names, what it does not know with no_rule_matched", async () => {
    const named = await evaluateIn({ verdict: { kind: "deny", reasons: ["outside_hours"], response } });
    expect(named.decision).toMatchObject({ kind: "deny", reason: "policy_denied", reasons: ["outside_hours"] });
    const none = await evaluateIn({ verdict: { kind: "deny", reasons: [], response } });
    expect(none.decision).toMatchObject({ kind: "deny", reason: "no_rule_matched" });
  });

  test.each([
    "policy_error",
    "policy_result_invalid",
    "policy_conflict",
    "context_unavailable",
    "policy_not_loaded",
  ] as const)("a fault of the policy is a deny that says where it came from: %s", async (reason) => {
    const seen = await evaluateIn({ verdict: { kind: "fault", reason, detail: "d" } });
    expect(seen.decision).toMatchObject({ kind: "deny", reason, reasons: ["d"] });
  });

  test("nobody in particular cannot be elevated, whatever grants there are", async () => {
    const seen = await evaluateIn({ caller: { kind: "anonymous" }, match: covered(candidate(1, "unlimited")) });
    expect(seen.decision).toMatchObject({ kind: "deny", reason: "authentication_required" });
  });

  test("stale grants open nothing and ask for nothing", async () => {
    const seen = await evaluateIn({ match: { kind: "stale", why: "too_old" } });
    expect(seen.decision).toMatchObject({ kind: "deny", reason: "grants_stale", reasons: ["too_old"] });
    expect(seen.calls).toEqual([]);
  });

  test.each(["body_not_bindable", "not_reviewable", "exact_needs_http"] as const)(
    "an exact elevation that cannot be bound is no offer: %s",
    async (reason) => {
      const seen = await evaluateIn({ offers: { kind: "unbindable", reason } });
      expect(seen.decision).toMatchObject({ kind: "deny", reason });
      expect(seen.calls).toEqual([]);
    },
  );

  test("a denial that was not acknowledged is not named", async () => {
    const seen = await evaluateIn({ published: { kind: "unavailable" } });
    expect(seen.decision).toMatchObject({ kind: "deny", reason: "request_unavailable" });
  });

  test("a denial that is too large is not requestable", async () => {
    const seen = await evaluateIn({ published: { kind: "not_requestable" } });
    expect(seen.decision).toMatchObject({ kind: "deny", reason: "not_requestable" });
  });

  test("nothing is evaluated, and nothing answered late, once the deadline has passed", async () => {
    const seen = await evaluateIn({ leftMs: () => 0, verdict: { kind: "allow", reasons: ["r"], response } });
    expect(seen.decision).toMatchObject({ kind: "deny", reason: "deadline_exceeded" });
    let left = 10;
    const late = await evaluateIn({
      leftMs: () => (left -= 10) + 1,
      verdict: { kind: "allow", reasons: ["r"], response },
    });
    expect(late.decision).toMatchObject({ kind: "deny", reason: "deadline_exceeded" });
  });

  test("a token that could not be looked at because of others is denied as overload, and one that had to wait counts as any", async () => {
    const identified = (caller: Awaited<ReturnType<Ports["identity"]["identify"]>>): Partial<Ports> => ({
      identity: { identify: () => Promise.resolve(caller) },
    });
    const verdict: Verdict = { kind: "allow", reasons: ["r"], response };
    const crowded = await evaluateIn({ verdict, ports: identified({ kind: "refused", reason: "overloaded" }) });
    expect(crowded.decision).toMatchObject({ kind: "deny", reason: "overloaded" });
    const waited = await evaluateIn({ verdict, ports: identified({ kind: "subject", subject: dana, expiresAt: 1 }) });
    expect(isAllow(waited.decision)).toBe(true);
    expect(waited.subject).toEqual(dana);
  });

  test.each(["identity", "context", "policy", "grants", "redemption", "denials"] as const)(
    "a fault in %s is a deny, never a rejection and never an allow",
    async (name) => {
      const fail = (): never => {
        throw new Error("broken");
      };
      const broken: Omit<Ports, "faults"> = {
        identity: { identify: fail },
        context: { gather: fail },
        policy: { decide: fail },
        grants: { covering: fail },
        redemption: { redeem: fail },
        denials: { offers: fail, publish: fail },
      };
      const match = name === "redemption" ? { match: covered(candidate(1)) } : {};
      const seen = await evaluateIn({ ...match, ports: { [name]: broken[name] } });
      expect(seen.decision).toMatchObject({ kind: "deny", reason: "internal_error" });
      expect(seen.calls).toEqual(["fault reported"]);
    },
  );
});

describe("asking changes nothing", () => {
  test("a limited grant is not spent: it needs a use by an enforcer", async () => {
    const seen = await evaluateIn({ match: covered(candidate(1)) }, "ask");
    expect(seen.decision).toMatchObject({ kind: "needs_approval", grantReason: "use_by_enforce", denial: undefined });
    expect(seen.calls).toEqual([]);
  });

  test("without a grant no denial is published", async () => {
    const seen = await evaluateIn({ match: { kind: "uncovered", nearest: "outside" } }, "ask");
    expect(seen.decision).toMatchObject({ kind: "needs_approval", grantReason: "outside" });
    expect(seen.calls).toEqual([]);
  });

  test("a window allows", async () => {
    const seen = await evaluateIn({ match: covered(candidate(1, "unlimited")) }, "ask");
    expect(isAllow(seen.decision)).toBe(true);
  });
});

describe("needs approval", () => {
  test("too many denials name none, and say when to come back", async () => {
    const seen = await evaluateIn({ published: { kind: "too_many", retryAfterMs: 30_000 } });
    expect(seen.decision).toMatchObject({
      kind: "needs_approval",
      denial: undefined,
      tooManyDenials: { retryAfterMs: 30_000 },
    });
  });

  test("a grant that has not begun is named with its beginning", async () => {
    const match = { kind: "uncovered", nearest: "not_yet_active", begins: instant(7) } as const;
    for (const mode of ["ask", "enforce"] as const) {
      const { decision } = await evaluateIn({ match }, mode);
      expect(decision).toMatchObject({ kind: "needs_approval", grantReason: "not_yet_active", grantBegins: 7 });
    }
  });

  test("a published denial is named with the nearest miss", async () => {
    const seen = await evaluateIn({ match: { kind: "uncovered", nearest: "revoked" } });
    expect(seen.decision).toMatchObject({
      kind: "needs_approval",
      grantReason: "revoked",
      denial: { id: "01930000-0000-7000-8000-000000000001" },
      elevations: [elevation],
    });
    expect(seen).toMatchObject({ subject: dana, policyRevision: "r1" });
  });
});

describe("allowed", () => {
  test("by the policy, without asking for grants", async () => {
    const ports = {
      grants: {
        covering: (): never => {
          throw new Error("not asked");
        },
      },
    };
    const seen = await evaluateIn({ verdict: { kind: "allow", reasons: ["orders_read"], response }, ports });
    expect(isAllow(seen.decision)).toBe(true);
  });

  test("by a window, which costs no redemption", async () => {
    const seen = await evaluateIn({ match: covered(candidate(1, "unlimited"), candidate(2)) });
    expect(isAllow(seen.decision)).toBe(true);
    expect(seen.calls).toEqual([]);
  });
});
