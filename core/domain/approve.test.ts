/** When two people have to agree, in time: the one's "later" is not the other's "now". */
import { describe, expect, test } from "@jest/globals";
import type { AccessRequest } from "./access-request.ts";
import { digest, id } from "./id.ts";
import type { Requirement } from "./requirement.ts";
import { review, type Vote } from "./review.ts";
import { durationMs, type Instant, instant } from "./time.ts";

const NOW = 1_795_000_000_000;
const MIN = 60_000;
const at = (minutes: number): Instant => instant(NOW + minutes * MIN);
const uuid = (n: number) => `01930000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const A = digest("a".repeat(64));
const manager: Requirement = { kind: "one_from", set: { kind: "group", realm: "corp", group: "managers" } };

/** Asks for one hour; two managers have to agree, or three. */
function pending(managers = 2): AccessRequest {
  return {
    id: id("request", uuid(1)),
    denialId: id("denial", uuid(2)),
    key: A,
    requester: { person: { realm: "corp", id: "dana" }, actorPersons: [], issuer: "i", subject: "dana", actors: [] },
    call: {
      protocol: "http",
      method: "DELETE",
      authority: "o",
      path: "/orders/42",
      maskedQuery: "",
      bodyBytes: 0,
      fieldHashes: {},
      sourceAddress: undefined,
    },
    offer: {
      elevation: {
        entitlement: "orders-delete",
        scope: "order/42",
        title: "Delete an order",
        display: [],
        approversHint: undefined,
        risk: "high",
        binding: "scope",
        bindHeaders: [],
        maxUses: 5,
        maxDuration: durationMs(60 * MIN),
        justification: { required: true, minLength: 10 },
      },
      binding: { kind: "digest", digest: A },
    },
    justification: "customer called",
    requested: { maxUses: 5, duration: durationMs(60 * MIN), notBefore: undefined, binding: "scope" },
    requirement: { kind: "n_of", n: managers, of: Array.from({ length: managers }, () => manager) },
    policyRevision: "r1",
    digest: A,
    createdAt: at(0),
    expiresAt: at(24 * 60),
    status: "pending",
    statusReason: undefined,
    decidedAt: undefined,
    reviews: [],
    limits: undefined,
    notify: [],
    escalation: undefined,
  };
}

function approves(name: string, narrowing?: Vote["narrowing"]): Vote {
  const subject = { issuer: "i", id: name, groups: ["managers"], claims: {}, actors: [] };
  return {
    reviewId: id("review", uuid(3)),
    grantId: id("grant", uuid(4)),
    reviewer: { subject, person: { realm: "corp", id: name }, actorPersons: [], machine: false },
    vote: "approve",
    narrowing,
    comment: undefined,
    digest: A,
    lapsed: new Set(),
    permitted: true,
  };
}

function after(request: AccessRequest, vote: Vote, now: Instant): AccessRequest {
  const outcome = review(request, vote, now);
  if (outcome.kind === "refused") throw new Error(outcome.reason);
  return outcome.request;
}

const tomorrow = { notBefore: at(20 * 60) };

describe("an approval for a time that nobody else agreed to is refused", () => {
  test("when the first agreed to an hour from now and the second says tomorrow", () => {
    const one = after(pending(), approves("max"), at(0));
    const outcome = review(one, approves("mia", tomorrow), at(5));
    expect(outcome).toMatchObject({ kind: "refused", reason: "no_common_time" });
    expect(outcome.events[0]).toMatchObject({ type: "review.refused", data: { reason: "no_common_time" } });
  });

  test("when the first said tomorrow and the second, who did not look, agrees to an hour from now", () => {
    const one = after(pending(), approves("max", tomorrow), at(0));
    expect(review(one, approves("mia"), at(5))).toMatchObject({ kind: "refused", reason: "no_common_time" });
    expect(review(one, approves("mia", tomorrow), at(5))).toMatchObject({
      grant: { state: "scheduled", notBefore: at(20 * 60), expiresAt: at(21 * 60) },
    });
  });

  test("already when a third has still to vote, whom it would keep from approving", () => {
    const one = after(pending(3), approves("max"), at(0));
    expect(review(one, approves("mia", tomorrow), at(5))).toMatchObject({ reason: "no_common_time" });
  });

  test("when the one's time is over before the other's begins", () => {
    const short = { notBefore: at(60), duration: durationMs(10 * MIN) };
    const one = after(pending(), approves("max", short), at(0));
    expect(review(one, approves("mia", { notBefore: at(70) }), at(5))).toMatchObject({ reason: "no_common_time" });
  });
});

describe("a grant of two approvals is usable in the time that both agreed to", () => {
  test("a later start leaves the rest of the other's hour", () => {
    const one = after(pending(), approves("max"), at(0));
    expect(review(one, approves("mia", { notBefore: at(40) }), at(5))).toMatchObject({
      grant: { state: "scheduled", notBefore: at(40), expiresAt: at(65) },
      events: [{}, {}, { type: "grant.issued", data: { duration: 25 * MIN } }],
    });
  });

  test("a start that has passed at the last vote counts as from then on", () => {
    const one = after(pending(), approves("max", { notBefore: at(30) }), at(0));
    expect(review(one, approves("mia"), at(90))).toMatchObject({
      grant: { state: "active", notBefore: at(90), expiresAt: at(150) },
    });
  });

  test("a limit of the routing cuts that time short, from its start", () => {
    const limited = { ...pending(), limits: { maxUses: undefined, maxDuration: durationMs(10 * MIN) } };
    const one = after(limited, approves("max"), at(0));
    expect(review(one, approves("mia", { notBefore: at(40) }), at(5))).toMatchObject({
      grant: { notBefore: at(40), expiresAt: at(50) },
    });
  });
});
