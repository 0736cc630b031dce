import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type AccessRequest, cancel, expireRequest, isRequester, type Requester } from "./access-request.ts";
import type { Denial } from "./denial.ts";
import type { Elevation } from "./elevation.ts";
import { digest, id } from "./id.ts";
import type { Requirement } from "./requirement.ts";
import { review, type Vote } from "./review.ts";
import type { Party } from "./subject.ts";
import { type Asked, choose, type Draft, submit } from "./submit.ts";
import { durationMs, instant, plus } from "./time.ts";

const NOW = instant(1_795_000_000_000);
const uuid = (n: number) => `01930000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const A = digest("a".repeat(64));
const ISSUER = "https://issuer.example";
const OTHER_ISSUER = "https://partner.example";

function party(
  account: string,
  person: string | undefined,
  groups: readonly string[] = [],
  more: Partial<Party> = {},
): Party {
  return {
    subject: { issuer: ISSUER, id: account, groups, claims: {}, actors: [] },
    person: person === undefined ? undefined : { realm: "corp", id: person },
    actorPersons: [],
    machine: false,
    ...more,
  };
}

const dana = party("dana", "dana");
const max = party("max", "max", ["managers"]);
const mia = party("mia", "mia", ["managers"]);
const sam = party("sam", "sam", ["security"]);

const elevation: Elevation = {
  entitlement: "orders-delete",
  scope: "order/42",
  title: "Delete an order",
  display: [{ label: "Order", value: "42" }],
  approversHint: undefined,
  risk: "high",
  binding: "scope",
  bindHeaders: [],
  maxUses: 5,
  maxDuration: durationMs(3_600_000),
  justification: { required: true, minLength: 10 },
};
const requester: Requester = {
  person: { realm: "corp", id: "dana" },
  actorPersons: [],
  issuer: ISSUER,
  subject: "dana",
  actors: [],
};
const call = {
  protocol: "http",
  method: "DELETE",
  authority: "o",
  path: "/orders/42",
  maskedQuery: "",
  bodyBytes: 0,
  fieldHashes: {},
  sourceAddress: undefined,
} as const;
const denial: Denial = {
  id: id("denial", uuid(1)),
  key: A,
  decisionId: id("decision", uuid(2)),
  mintedAt: NOW,
  expiresAt: plus(NOW, durationMs(900_000)),
  subject: dana.subject,
  call,
  offers: [{ elevation, binding: { kind: "digest", digest: A } }],
  policyRevision: "r1",
  justification: undefined,
  traceparent: undefined,
};
const managers: Requirement = { kind: "one_from", set: { kind: "group", realm: "corp", group: "managers" } };
const ROUTED = {
  kind: "people",
  expiresIn: durationMs(3_600_000),
  limits: undefined,
  notify: [],
  escalation: undefined,
} as const;
const asked: Asked = {
  entitlement: undefined,
  scope: undefined,
  justification: "wrong order, customer called",
  maxUses: undefined,
  duration: undefined,
  notBefore: undefined,
};

function pending(requirement: Requirement = managers, from: Requester = requester): AccessRequest {
  const [offer] = denial.offers;
  const terms = { maxUses: 5, duration: durationMs(3_600_000), notBefore: undefined, binding: "scope" } as const;
  const draft: Draft = {
    id: id("request", uuid(3)),
    denialId: denial.id,
    key: A,
    requester: from,
    call,
    offer,
    justification: asked.justification,
    requested: terms,
    policyRevision: "r1",
  };
  const routing = { ...ROUTED, requirement };
  const made = submit(draft, routing, id("grant", uuid(4)), dana, NOW, () => A);
  if (made.kind === "refused") throw new Error(made.reason);
  return made.request;
}

const vote = (reviewer: Party, more: Partial<Vote> = {}): Vote => ({
  reviewId: id("review", uuid(5)),
  grantId: id("grant", uuid(6)),
  reviewer,
  vote: "approve",
  narrowing: undefined,
  comment: undefined,
  digest: A,
  lapsed: new Set(),
  permitted: true,
  ...more,
});

describe("a review is refused", () => {
  test.each<[string, Party]>([
    ["from the requester, even with quorum 1", party("dana", "dana", ["managers"])],
    ["from the requester's account although it shows no such person", party("dana", "somebody", ["managers"])],
    [
      "from the requester under a second issuer's account",
      party("d.smith", "dana", ["managers"], {
        subject: { issuer: OTHER_ISSUER, id: "d.smith", groups: ["managers"], claims: {}, actors: [] },
      }),
    ],
    [
      "from somebody in whose name the requester's agent acts",
      party("x", "x", ["managers"], { actorPersons: [{ realm: "corp", id: "dana" }] }),
    ],
  ])("%s", (_name, reviewer) => {
    expect(review(pending(), vote(reviewer), NOW)).toMatchObject({ kind: "refused", reason: "is_requester" });
  });

  test.each<[string, Vote]>([
    ["not_eligible", vote(sam)],
    ["no_person", vote(party("max", undefined, ["managers"]))],
    ["not_human", vote({ ...max, machine: true })],
    ["digest_mismatch", vote(max, { digest: digest("b".repeat(64)) })],
    ["reason_required", vote(max, { vote: "deny", comment: "  " })],
    ["widens", vote(max, { narrowing: { maxUses: 6 } })],
  ])("%s", (reason, given) => {
    const outcome = review(pending(), given, NOW);
    expect(outcome).toMatchObject({ kind: "refused", reason });
    expect(outcome.events).toHaveLength(1);
    expect(outcome.events[0]?.type).toBe("review.refused");
  });

  test("at the very instant at which the request expires", () => {
    const request = pending();
    expect(review(request, vote(max), request.expiresAt)).toMatchObject({ kind: "refused", reason: "not_pending" });
  });

  test("from an actor behind the requester: an agent's owner is the requester too", () => {
    const byAgent: Requester = {
      ...requester,
      person: { realm: "corp", id: "bot" },
      subject: "bot",
      actorPersons: [{ realm: "corp", id: "max" }],
    };
    expect(isRequester(byAgent, max)).toBe(true);
    expect(review(pending(managers, byAgent), vote(max), NOW)).toMatchObject({ reason: "is_requester" });
  });
});

describe("a review is recorded", () => {
  test("one of two leaves the request open, the same person again is refused, the second makes the grant", () => {
    const two: Requirement = { kind: "n_of", n: 2, of: [managers, managers] };
    const first = review(pending(two), vote(max), NOW);
    if (first.kind === "refused") throw new Error(first.reason);
    expect([first.request.status, first.grant]).toEqual(["pending", undefined]);
    expect(review(first.request, vote(max), NOW)).toMatchObject({ reason: "already_reviewed" });
    const second = review(first.request, vote(mia, { reviewId: id("review", uuid(7)) }), NOW);
    expect(second).toMatchObject({
      kind: "reviewed",
      request: { status: "approved" },
      grant: { state: "active", uses: 0 },
    });
  });

  test("approving less makes a smaller grant; two who approve differently make the smallest of both", () => {
    const two: Requirement = { kind: "n_of", n: 2, of: [managers, managers] };
    const first = review(pending(two), vote(max, { narrowing: { maxUses: 1 } }), NOW);
    if (first.kind === "refused") throw new Error(first.reason);
    const second = review(
      first.request,
      vote(mia, { narrowing: { duration: durationMs(600_000), binding: "exact" } }),
      NOW,
    );
    if (second.kind === "refused") throw new Error(second.reason);
    expect(second.grant).toMatchObject({ maxUses: 1, expiresAt: NOW + 600_000, binding: { kind: "exact", digest: A } });
  });

  test("a later start makes a scheduled grant that ends after its length", () => {
    const outcome = review(pending(), vote(max, { narrowing: { notBefore: plus(NOW, durationMs(60_000)) } }), NOW);
    expect(outcome).toMatchObject({
      grant: { state: "scheduled", notBefore: NOW + 60_000, expiresAt: NOW + 60_000 + 3_600_000 },
    });
  });

  test("one denial with a reason ends it", () => {
    const outcome = review(pending(), vote(max, { vote: "deny", comment: "not today" }), NOW);
    expect(outcome).toMatchObject({ kind: "reviewed", request: { status: "denied" }, grant: undefined });
  });
});

test("whatever is done in whatever order, there is one final state, one grant at most, and never the requester's vote", () => {
  const people = [dana, max, mia, sam, party("dana2", "dana", ["managers"])];
  const step = fc.record({
    who: fc.integer({ min: 0, max: people.length - 1 }),
    what: fc.constantFrom("approve", "deny", "cancel", "expire"),
    atMs: fc.integer({ min: 0, max: 4_000_000 }),
  });
  const two: Requirement = { kind: "n_of", n: 2, of: [managers, managers] };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      let request = pending(two);
      let grants = 0;
      for (const { who, what, atMs } of steps) {
        const before = request;
        const actor = people[who] ?? dana;
        const at = instant(NOW + atMs);
        if (what === "approve" || what === "deny") {
          const outcome = review(request, vote(actor, { vote: what, comment: "because" }), at);
          if (outcome.kind === "reviewed") request = outcome.request;
          if (outcome.kind === "reviewed" && outcome.grant !== undefined) grants += 1;
        } else {
          const outcome = what === "cancel" ? cancel(request, actor, undefined, at) : expireRequest(request, at);
          if (outcome.kind === "closed") request = outcome.request;
        }
        if (before.status !== "pending") expect(request).toBe(before);
      }
      expect(grants).toBe(request.status === "approved" ? 1 : 0);
      const voters = request.reviews.map(({ reviewer }) => reviewer.person.id);
      expect(new Set(voters).size).toBe(voters.length);
      expect(voters).not.toContain("dana");
      if (request.status === "approved") expect(voters.length).toBeGreaterThanOrEqual(2);
    }),
    { numRuns: 500 },
  );
});

describe("submitting", () => {
  test("somebody else's denial does not exist for them", () => {
    expect(choose(denial, requester, sam, asked, NOW)).toEqual({ kind: "refused", reason: "unknown_denial" });
  });

  test.each<[string, Partial<Asked>]>([
    ["justification_required", { justification: "short" }],
    ["justification_required", { justification: "          \n   " }],
    ["unknown_elevation", { entitlement: "other" }],
    ["unknown_elevation", { scope: "order/43" }],
    ["exceeds_offer", { maxUses: 6 }],
    ["exceeds_offer", { maxUses: "unlimited" }],
    ["exceeds_offer", { duration: durationMs(3_600_001) }],
    ["exceeds_offer", { notBefore: plus(NOW, durationMs(8 * 24 * 3_600_000)) }],
  ])("%s", (reason, more) => {
    expect(choose(denial, requester, dana, { ...asked, ...more }, NOW)).toEqual({ kind: "refused", reason });
  });

  test("a denial lapses at the instant it names", () => {
    expect(choose(denial, requester, dana, asked, denial.expiresAt)).toEqual({
      kind: "refused",
      reason: "expired_denial",
    });
  });

  test("what is not asked is taken as offered", () => {
    expect(choose(denial, requester, dana, asked, NOW)).toMatchObject({
      kind: "chosen",
      requested: { maxUses: 5, duration: 3_600_000, binding: "scope" },
    });
  });

  test("an account without a person cannot obtain a human approval", () => {
    expect(() => pending(managers, { ...requester, person: undefined })).toThrow("no_person");
  });
});
