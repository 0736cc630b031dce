import { describe, expect, test } from "@jest/globals";
import type { Candidate } from "../../core/domain/covers.ts";
import { isAllow, NO_RESPONSE_FIELDS, type Verdict } from "../../core/domain/decision.ts";
import type { Elevation } from "../../core/domain/elevation.ts";
import type { Grant } from "../../core/domain/grant.ts";
import { id } from "../../core/domain/id.ts";
import type { Caller, Subject } from "../../core/domain/subject.ts";
import { instant } from "../../core/domain/time.ts";
import { createEvaluate, type Ports } from "./evaluate.ts";
import type { Deadline, Match, Mode, Published, Redemption, Requestable } from "./ports.ts";
import { ELEVATION, GRANT } from "../../test/samples/domain.ts";
import { evaluationOf } from "../../test/samples/evaluation.ts";

const NOW = instant(1_795_478_400_000);
const response = NO_RESPONSE_FIELDS;
const dana: Subject = { issuer: "https://issuer.example", id: "dana", groups: [], claims: {}, actors: [] };
const elevation: Elevation = { ...ELEVATION, maxUses: 1 };
const elevate: Verdict = { kind: "elevate", elevations: [elevation], response };
const evaluation = evaluationOf();

function candidate(index: number, maxUses: Grant["maxUses"] = 1): Candidate {
  const grant: Grant = { ...GRANT, id: id("grant", `01930000-0000-7000-8000-00000000000${index}`), maxUses };
  return { elevation, grant, digest: undefined };
}

/** What each port answers in one test; `redemptions` in order. `calls` shows which ports with an effect were reached. */
type World = {
  caller?: Caller;
  verdict?: Verdict;
  match?: Match;
  redemptions?: Redemption[];
  offers?: Requestable;
  published?: Published;
  leftMs?: () => number;
  ports?: Partial<Ports>;
};

async function evaluateIn(world: World, mode: Mode = "enforce") {
  const calls: string[] = [];
  const redemptions = [...(world.redemptions ?? [])];
  const deadline: Deadline = { leftMs: world.leftMs ?? (() => 400), within: () => deadline };
  const evaluate = createEvaluate({
    identity: {
      identify: () => Promise.resolve(world.caller ?? { kind: "subject", subject: dana, expiresAt: NOW + 60_000 }),
    },
    context: { gather: () => ({}) },
    policy: { decide: () => ({ verdict: world.verdict ?? elevate, revision: "r1", fuelUsed: 7 }) },
    grants: { covering: () => world.match ?? { kind: "uncovered", nearest: undefined } },
    redemption: {
      redeem(claim) {
        calls.push(`redeem ${claim.grantId.at(-1)}`);
        return Promise.resolve(redemptions.shift() ?? { kind: "unknown" });
      },
    },
    denials: {
      offers: () =>
        world.offers ?? {
          kind: "requestable",
          offers: [{ elevation, binding: { kind: "unbindable", reason: "body_not_bindable" } }],
        },
      publish() {
        calls.push("publish");
        const denial = { id: id("denial", "01930000-0000-7000-8000-000000000001"), expiresAt: NOW };
        return Promise.resolve(world.published ?? { kind: "issued", denial });
      },
    },
    faults: { report: () => calls.push("fault reported") },
    ...world.ports,
  });
  const readClocks = () => ({ wall: NOW, monoMs: 0 });
  const { decision, ...known } = await evaluate(evaluation, { readClocks, deadline, mode });
  return { decision, calls, ...known };
}

const refused = (reason: "spent" | "revoked" | "expired" | "outside" | "duplicate" | "unknown_grant"): Redemption => ({
  kind: "refused",
  reason,
});
const covered = (first: Candidate, ...rest: Candidate[]): Match => ({ kind: "covered", candidates: [first, ...rest] });

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
  ] as const)("a fault of the policy is a deny: %s", async (reason) => {
    const seen = await evaluateIn({ verdict: { kind: "fault", reason, detail: "d" } });
    expect(seen.decision).toMatchObject({ kind: "deny", reason });
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

  test.each(["body_not_bindable", "not_reviewable"] as const)(
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
