import { describe, expect, test } from "@jest/globals";
import { A, anyOf, HOUR, ISSUER, NOW, party, PENDING, uuid, vote } from "../../test/samples/domain.ts";
import { isRequester, type Requester } from "./access-request.ts";
import { digest, id } from "./id.ts";
import type { Requirement } from "./requirement.ts";
import { review, type Vote } from "./review.ts";
import type { Party } from "./subject.ts";
import { durationMs, instant, plus } from "./time.ts";

const B = digest("b".repeat(64));
const max = party("max", "max", ["managers"]);
const mia = party("mia", "mia", ["managers"]);
const sam = party("sam", "sam", ["security"]);
const DANA = { issuer: ISSUER, id: "dana" };
const TWO: Requirement = { kind: "n_of", n: 2, of: [anyOf("managers"), anyOf("managers")] };

describe("a review is refused", () => {
  test.each<[string, Party]>([
    ["from the requester, even with quorum 1", party("dana", "dana", ["managers"])],
    ["from the requester's account although it shows no such person", party("dana", "somebody", ["managers"])],
    [
      "from the requester under a second issuer's account",
      { ...party("d.smith", "dana"), subject: { ...max.subject, issuer: "https://partner.example", id: "d.smith" } },
    ],
    [
      "from somebody in whose name the requester's agent acts",
      { ...max, actorPersons: [{ realm: "corp", id: "dana" }] },
    ],
  ])("%s", (_name, reviewer) => {
    expect(review(PENDING, vote(reviewer), NOW)).toMatchObject({ kind: "refused", reason: "is_requester" });
  });

  test.each<[string, Vote]>([
    ["not_eligible", vote(sam)],
    ["no_person", vote(party("max", undefined, ["managers"]))],
    ["not_human", vote({ ...max, machine: true })],
    ["digest_mismatch", vote(max, { digest: B })],
    ["reason_required", vote(max, { vote: "deny", comment: "  " })],
    ["widens", vote(max, { narrowing: { maxUses: 6 } })],
  ])("%s", (reason, given) => {
    const outcome = review(PENDING, given, NOW);
    expect(outcome).toMatchObject({ kind: "refused", reason });
    expect(outcome.events).toHaveLength(1);
    expect(outcome.events[0]?.type).toBe("review.refused");
  });

  test("at the very instant at which the request expires", () => {
    const request = PENDING;
    expect(review(request, vote(max), request.expiresAt)).toMatchObject({ kind: "refused", reason: "not_pending" });
  });

  test("from an actor behind the requester: an agent's owner is the requester too", () => {
    const byAgent: Requester = {
      ...PENDING.requester,
      person: { realm: "corp", id: "bot" },
      subject: "bot",
      actorPersons: [{ realm: "corp", id: "max" }],
    };
    expect(isRequester(byAgent, max)).toBe(true);
    expect(review({ ...PENDING, requester: byAgent }, vote(max), NOW)).toMatchObject({ reason: "is_requester" });
  });

  test("from whoever acts for the requester, whose token says nothing of the person behind the actor", () => {
    const actors = [
      { issuer: ISSUER, id: "bot" },
      { issuer: ISSUER, id: "max" },
    ];
    const request = { ...PENDING, requester: { ...PENDING.requester, actors } };
    expect(review(request, vote(max), NOW)).toMatchObject({ kind: "refused", reason: "is_requester" });
    const namesake = { ...max, subject: { ...max.subject, issuer: "https://partner.example" } };
    expect(review(request, vote(namesake), NOW).kind).toBe("reviewed");
    expect(isRequester(PENDING.requester, { ...mia, subject: { ...mia.subject, actors: [DANA] } })).toBe(true);
    expect(isRequester(PENDING.requester, { ...mia, subject: { ...mia.subject, actors } })).toBe(false);
  });

  test("from whoever submitted it in the requester's name, although the denial was to the requester alone", () => {
    const submittedBy: Requester = { ...PENDING.requester, actors: [{ issuer: ISSUER, id: "max" }] };
    expect(review({ ...PENDING, submittedBy }, vote(max), NOW)).toMatchObject({ reason: "is_requester" });
    expect(review({ ...PENDING, submittedBy }, vote(mia), NOW).kind).toBe("reviewed");
  });

  test("that starts the grant beyond seven days up to the last instant there is", () => {
    for (const ms of [NOW + 7 * 24 * HOUR + 1, 253_402_300_799_999]) {
      const outcome = review(PENDING, vote(max, { narrowing: { notBefore: instant(ms) } }), NOW);
      expect(outcome).toMatchObject({ kind: "refused", reason: "widens" });
    }
    const latest = { notBefore: instant(NOW + 7 * 24 * HOUR) };
    expect(review(PENDING, vote(max, { narrowing: latest }), NOW).kind).toBe("reviewed");
  });

  test("that denies with a reason that nobody sees", () => {
    const outcome = review(PENDING, vote(max, { vote: "deny", comment: "\u200b\u3164 " }), NOW);
    expect(outcome).toMatchObject({ kind: "refused", reason: "reason_required" });
  });

  test("by the policy, whatever the vote, but named after every rule that no policy may loosen", () => {
    const refusedBy = (one: Vote) => {
      const outcome = review(PENDING, { ...one, permitted: false }, NOW);
      return outcome.kind === "refused" ? outcome.reason : outcome.kind;
    };
    expect(refusedBy(vote(max))).toBe("policy_refused");
    expect(refusedBy(vote(max, { vote: "deny", comment: "not today" }))).toBe("policy_refused");
    expect(refusedBy(vote(party("dana", "dana", ["managers"])))).toBe("is_requester");
    expect(refusedBy(vote(max, { narrowing: { maxUses: 6 } }))).toBe("widens");
  });
});

describe("a review is recorded", () => {
  test("one of two leaves the request open, the same person again is refused, the second makes the grant", () => {
    const first = review({ ...PENDING, requirement: TWO }, vote(max), NOW);
    if (first.kind === "refused") throw new Error(first.reason);
    expect([first.request.status, first.grant]).toEqual(["pending", undefined]);
    expect(first.events).toMatchObject([
      { type: "review.recorded", data: { reviewId: first.review.id, permittedByRevision: "sha256:2e0d" } },
    ]);
    expect(review(first.request, vote(max), NOW)).toMatchObject({ reason: "already_reviewed" });
    const second = review(first.request, vote(mia, { reviewId: id("review", uuid(31)) }), NOW);
    expect(second).toMatchObject({
      kind: "reviewed",
      request: { status: "approved" },
      grant: { state: "active", uses: 0 },
    });
  });

  test("approving less makes a smaller grant; two who approve differently make the smallest of both", () => {
    const first = review({ ...PENDING, requirement: TWO }, vote(max, { narrowing: { maxUses: 1 } }), NOW);
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
    const outcome = review(PENDING, vote(max, { narrowing: { notBefore: plus(NOW, durationMs(60_000)) } }), NOW);
    expect(outcome).toMatchObject({
      grant: { state: "scheduled", notBefore: NOW + 60_000, expiresAt: NOW + 60_000 + 3_600_000 },
    });
  });

  test("one denial with a reason ends it", () => {
    const outcome = review(PENDING, vote(max, { vote: "deny", comment: "not today" }), NOW);
    expect(outcome).toMatchObject({ kind: "reviewed", request: { status: "denied" }, grant: undefined });
  });
});
