/** What routing says beside who must agree: stages, limits, escalation; and the second look at earlier votes. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { A, anyOf, HOUR, NOW, party, PENDING, uuid, vote as voteOf } from "../../test/samples/domain.ts";
import { type AccessRequest, escalate, expireRequest, type Review } from "./access-request.ts";
import { approve } from "./approve.ts";
import { approvedBy } from "./approved-by.ts";
import { id } from "./id.ts";
import { isWithin } from "./narrowing.ts";
import { isSatisfied, type Requirement, type Reviewer, setKey } from "./requirement.ts";
import { review, type Vote } from "./review.ts";
import { within } from "./routing.ts";
import { isTheirTurn, openSets } from "./stages.ts";
import type { Party } from "./subject.ts";
import { durationMs, instant, plus } from "./time.ts";

const max = party("max", "max", ["managers"]);
const mia = party("mia", "mia", ["managers"]);
const sam = party("sam", "sam", ["security"]);
const both = party("both", "both", ["managers", "security"]);
const STAGES: Requirement = { kind: "stages", of: [anyOf("managers"), anyOf("security")] };
const request: AccessRequest = { ...PENDING, requirement: STAGES, expiresAt: plus(NOW, HOUR) };

let reviews = 100;
const vote = (reviewer: Party, more: Partial<Vote> = {}) =>
  voteOf(reviewer, { reviewId: id("review", uuid((reviews += 1))), ...more });

function after(from: AccessRequest, ...votes: readonly Vote[]): AccessRequest {
  return votes.reduce((sofar, one) => {
    const outcome = review(sofar, one, NOW);
    if (outcome.kind === "refused") throw new Error(outcome.reason);
    return outcome.request;
  }, from);
}

test("an exact grant keeps the headers that its digest was made with, and is never made without a digest", () => {
  const terms = { ...request.requested, binding: "exact" } as const;
  const { elevation } = request.offer;
  const offer = { ...request.offer, elevation: { ...elevation, bindHeaders: ["x-currency"] } };
  const by = { kind: "service", name: "test" } as const;
  const grantOf = (asked: AccessRequest) => approve(asked, id("grant", uuid(3)), by, NOW, undefined).grant;
  expect(grantOf({ ...request, offer, requested: terms }).binding).toEqual({
    kind: "exact",
    digest: A,
    bindHeaders: ["x-currency"],
  });
  const unbindable = { elevation, binding: { kind: "unbindable", reason: "body_not_bindable" } } as const;
  expect(() => grantOf({ ...request, offer: unbindable, requested: terms })).toThrow("needs a digest");
});

const APPROVAL: Review = {
  ...{ id: id("review", uuid(5)), account: max.subject, vote: "approve", narrowing: undefined, comment: undefined },
  reviewer: { person: { realm: "corp", id: "max" }, groups: ["managers"] },
  at: NOW,
};

describe("stages", () => {
  test("the second is not asked before the first has agreed, nor the first again after it", () => {
    expect(review(request, vote(sam), NOW)).toMatchObject({ kind: "refused", reason: "stage_not_open" });
    const agreed = after(request, vote(max));
    expect(agreed.status).toBe("pending");
    expect(review(agreed, vote(mia), NOW)).toMatchObject({ kind: "refused", reason: "stage_not_open" });
    expect(review(agreed, vote(sam), NOW)).toMatchObject({ request: { status: "approved" }, grant: { maxUses: 5 } });
  });

  test("whoever is asked at any of them may say no at once", () => {
    const no = vote(sam, { vote: "deny", comment: "not in the freeze" });
    expect(review(request, no, NOW)).toMatchObject({ kind: "reviewed", request: { status: "denied" } });
  });

  test("one person in two of them fills one", () => {
    const agreed = after(request, vote(both));
    expect(review(agreed, vote(both), NOW)).toMatchObject({ reason: "already_reviewed" });
    expect(review(agreed, vote(sam), NOW)).toMatchObject({ request: { status: "approved" } });
  });

  test("a first one that was agreed by the only one of a later is asked again, for whoever lets them move on", () => {
    const agreed = after(request, vote(both));
    expect(openSets(agreed).map(setKey)).toEqual(["group:corp/security", "group:corp/managers"]);
    expect(review(agreed, vote(mia), NOW)).toMatchObject({ request: { status: "approved" }, grant: { maxUses: 5 } });
  });

  test("so are first ones that two of them agreed, one after the other, and nobody else is", () => {
    const two = (group: string): Requirement => ({ kind: "n_of", n: 2, of: [anyOf(group), anyOf(group)] });
    const staged: AccessRequest = {
      ...request,
      requirement: { kind: "stages", of: [two("managers"), two("security")] },
    };
    const tim = party("tim", "tim", ["managers", "security"]);
    const agreed = after(after(staged, vote(both)), vote(tim));
    const once = after(agreed, vote(max));
    expect(once.status).toBe("pending");
    expect(after(once, vote(mia)).status).toBe("approved");
    const enough = after(after(staged, vote(max)), vote(mia));
    expect(review(enough, vote(party("moe", "moe", ["managers"])), NOW)).toMatchObject({ reason: "stage_not_open" });
  });

  test("an alternative of two slots is asked too, one after the other, where only it lets somebody move on; and else it is not", () => {
    const kim = party("kim", "kim", []);
    const byKim: Requirement = { kind: "one_from", set: { kind: "person", person: { realm: "corp", id: "kim" } } };
    const two: Requirement = { kind: "all_of", of: [anyOf("managers"), anyOf("security")] };
    const staged = (of: readonly Requirement[]): AccessRequest => ({ ...request, requirement: { kind: "stages", of } });
    const once = after(staged([{ kind: "any_of", of: [byKim, two] }, byKim]), vote(kim));
    expect(openSets(once).map(setKey)).toEqual(["person:corp/kim", "group:corp/managers", "group:corp/security"]);
    const twice = after(once, vote(max));
    expect(review(twice, vote(mia), NOW)).toMatchObject({ kind: "refused", reason: "stage_not_open" });
    expect(review(twice, vote(sam), NOW)).toMatchObject({ request: { status: "approved" } });
    const other = after(staged([{ kind: "any_of", of: [byKim, two] }, anyOf("duty")]), vote(kim));
    expect(review(other, vote(max), NOW)).toMatchObject({ kind: "refused", reason: "stage_not_open" });
  });

  test("are never stuck while those who could agree to all of them have not all been asked, in whatever order they agree", () => {
    const group = fc.constantFrom("a", "b", "c");
    const slot = group.map(anyOf);
    const slots = fc.array(slot, { minLength: 1, maxLength: 2 }).map((of): Requirement => ({ kind: "all_of", of }));
    const stage = fc.array(slots, { minLength: 1, maxLength: 2 }).map((of): Requirement => ({ kind: "any_of", of }));
    const stages = fc.array(stage, { minLength: 1, maxLength: 3 }).map((of): Requirement => ({ kind: "stages", of }));
    const people = fc
      .array(fc.subarray(["a", "b", "c"]), { maxLength: 6 })
      .map((all) => all.map((groups, at): Reviewer => ({ person: { realm: "corp", id: `p${at}` }, groups })));
    let agreed = 0;
    fc.assert(
      fc.property(stages, people, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), (requirement, able, order) => {
        const approvers: Reviewer[] = [];
        for (const pick of order) {
          if (isSatisfied(requirement, approvers)) break;
          const waiting = able.filter((one) => !approvers.includes(one) && isTheirTurn(requirement, approvers, one));
          const next = waiting[pick % Math.max(waiting.length, 1)];
          if (next === undefined) break;
          approvers.push(next);
        }
        expect(isSatisfied(requirement, approvers)).toBe(isSatisfied(requirement, able));
        agreed += isSatisfied(requirement, able) ? 1 : 0;
      }),
      { numRuns: 500 },
    );
    expect(agreed).toBeGreaterThan(50);
  });

  test("whose turn it is goes from one to the next and ends with the request", () => {
    const groups = (of: AccessRequest) => openSets(of).map((set) => (set.kind === "group" ? set.group : set.person.id));
    const agreed = after(request, vote(max));
    expect([groups(request), groups(agreed), groups(after(agreed, vote(sam)))]).toEqual([
      ["managers"],
      ["security"],
      [],
    ]);
  });

  test("are satisfied by nobody who would not satisfy them all together, and then nothing is open", () => {
    const person = fc.record({
      person: fc.record({ realm: fc.constant("corp"), id: fc.constantFrom("a", "b", "c", "d") }),
      groups: fc.subarray(["managers", "security"]),
    });
    fc.assert(
      fc.property(fc.array(person, { maxLength: 5 }), (approvers: readonly Reviewer[]) => {
        const together: Requirement = { kind: "all_of", of: [anyOf("managers"), anyOf("security")] };
        expect(isSatisfied(STAGES, approvers)).toBe(isSatisfied(together, approvers));
        const reviews = approvers.map((reviewer) => ({ ...APPROVAL, reviewer }));
        const open = openSets({ status: "pending", requirement: STAGES, reviews });
        expect(open.length === 0).toBe(isSatisfied(STAGES, approvers));
      }),
    );
  });
});

describe("a vote given earlier", () => {
  const lapsed = new Set([APPROVAL.id]);

  test("does not count when its reviewer could not give it any more: the request fails and nothing is granted", () => {
    const outcome = review({ ...request, reviews: [APPROVAL] }, vote(sam, { lapsed }), NOW);
    expect(outcome).toMatchObject({ request: { status: "failed", statusReason: "superseded" }, grant: undefined });
    expect(outcome.events.map(({ type }) => type)).toEqual(["review.recorded", "request.failed"]);
  });

  test("is not missed where the others are enough", () => {
    const two: Requirement = { kind: "n_of", n: 2, of: [anyOf("managers"), anyOf("managers")] };
    const requirement: Requirement = { kind: "any_of", of: [two, anyOf("security")] };
    const outcome = review({ ...request, requirement, reviews: [APPROVAL] }, vote(sam, { lapsed }), NOW);
    expect(outcome).toMatchObject({ request: { status: "approved" } });
    const issued = outcome.events.find((event) => event.type === "grant.issued");
    expect(issued?.data.approvedBy).toEqual([{ realm: "corp", id: "sam" }]); // and not named as if it counted
    expect(outcome.kind === "reviewed" ? approvedBy(outcome.request) : []).toEqual(issued?.data.approvedBy);
  });
});

describe("limits", () => {
  test("cut what is granted, whatever was asked, by people or at once", () => {
    const limits = { maxUses: 1, maxDuration: durationMs(600_000) };
    const asked = { ...request, limits, requirement: anyOf("managers") };
    expect(review(asked, vote(max), NOW)).toMatchObject({ grant: { maxUses: 1, expiresAt: NOW + 600_000 } });
    const byRoute = approve(asked, id("grant", uuid(3)), { kind: "service", name: "approval.route" }, NOW, "on call");
    expect(byRoute.grant).toMatchObject({ maxUses: 1, expiresAt: NOW + 600_000 });
  });

  test("never give more than was asked", () => {
    const uses = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant("unlimited" as const));
    const length = fc.integer({ min: 1_000, max: 9_000 }).map(durationMs);
    const limits = fc.record({
      maxUses: fc.option(uses, { nil: undefined }),
      maxDuration: fc.option(length, { nil: undefined }),
    });
    fc.assert(
      fc.property(uses, length, limits, (maxUses, duration, limit) => {
        const terms = { maxUses, duration, notBefore: undefined, binding: "scope" } as const;
        const granted = within(terms, limit);
        expect(isWithin(granted, terms)).toBe(true);
        const ceiling = { maxUses: limit.maxUses ?? "unlimited", duration: limit.maxDuration ?? HOUR };
        expect(isWithin(granted, { ...terms, ...ceiling })).toBe(true);
      }),
    );
  });
});

describe("an escalation", () => {
  const escalation = { at: plus(NOW, durationMs(60_000)), notify: ["#duty"] };
  const waiting = { ...request, escalation };

  test("is not due before its time, after the end of the request, or twice", () => {
    expect(escalate(waiting, instant(escalation.at - 1)).kind).toBe("nothing_to_do");
    expect(escalate(waiting, request.expiresAt).kind).toBe("nothing_to_do");
    const expired = expireRequest(waiting, request.expiresAt);
    if (expired.kind === "refused") throw new Error(expired.reason);
    expect(escalate(expired.request, escalation.at).kind).toBe("nothing_to_do");
    const told = escalate(waiting, escalation.at);
    if (told.kind !== "escalated") throw new Error(told.kind);
    expect(escalate(told.request, escalation.at).kind).toBe("nothing_to_do");
  });

  test("tells others and changes nothing about who decides", () => {
    expect(escalate(waiting, escalation.at)).toEqual({
      kind: "escalated",
      request: { ...waiting, escalation: undefined },
      notify: ["#duty"],
    });
  });
});
