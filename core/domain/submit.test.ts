import { describe, expect, test } from "@jest/globals";
import { A, anyOf, DENIAL, ELEVATION, HOUR, ISSUER, NOW, party, PENDING, uuid } from "../../test/samples/domain.ts";
import { cancel, type Requester } from "./access-request.ts";
import type { Denial } from "./denial.ts";
import type { Elevation } from "./elevation.ts";
import { id } from "./id.ts";
import type { Party, Person } from "./subject.ts";
import { type Asked, choose, submit } from "./submit.ts";
import { durationMs, instant } from "./time.ts";

const DAY_MS = 24 * HOUR;
const person = (name: string): Person => ({ realm: "corp", id: name });
const manager = (account: string, name: string | undefined, more: Partial<Party> = {}): Party => ({
  ...party(account, name, ["managers"]),
  ...more,
});

const dana = party("dana", "dana");
const sam = party("sam", "sam", ["security"]);

const elevation: Elevation = { ...ELEVATION, maxUses: "unlimited" };
/** dana was denied through an agent that bob owns. */
const throughAgent: Requester = {
  ...PENDING.requester,
  actorPersons: [person("bob")],
  actors: [{ issuer: ISSUER, id: "agent" }],
};
const denial: Denial = { ...DENIAL, offers: [{ elevation, binding: { kind: "digest", digest: A } }] };
const asked: Asked = {
  entitlement: undefined,
  scope: undefined,
  justification: "wrong order, customer called",
  maxUses: undefined,
  duration: undefined,
  notBefore: undefined,
};

function submitted(requester = throughAgent, more: Partial<Asked> = {}, expiresIn = durationMs(DAY_MS)) {
  const chosen = choose(denial, requester, manager("dana", "dana"), { ...asked, ...more }, NOW);
  if (chosen.kind === "refused") throw new Error(chosen.reason);
  const { offer, justification, requested } = chosen;
  const { call, policyRevision } = denial;
  const draft = {
    id: id("request", uuid(3)),
    denialId: denial.id,
    key: A,
    requester,
    submittedBy: undefined,
    call,
    offer,
    justification,
    requested,
    policyRevision,
  };
  const routing = {
    kind: "people",
    requirement: anyOf("managers"),
    expiresIn,
    limits: undefined,
    notify: [],
    escalation: undefined,
    revision: "sha256:2e0d",
  } as const;
  const made = submit(draft, routing, id("grant", uuid(4)), manager("dana", "dana"), NOW, () => A);
  if (made.kind === "refused") throw new Error(made.reason);
  return made;
}
const pending = (...parts: Parameters<typeof submitted>) => submitted(...parts).request;

describe("submitting", () => {
  test("somebody else's denial does not exist for them", () => {
    expect(choose(DENIAL, PENDING.requester, sam, asked, NOW)).toEqual({ kind: "refused", reason: "unknown_denial" });
  });

  test.each<[string, Partial<Asked>]>([
    ["justification_required", { justification: "short" }],
    ["unknown_elevation", { entitlement: "other" }],
    ["unknown_elevation", { scope: "order/43" }],
    ["exceeds_offer", { maxUses: 6 }],
    ["exceeds_offer", { maxUses: "unlimited" }],
    ["exceeds_offer", { duration: durationMs(3_600_001) }],
  ])("%s", (reason, more) => {
    expect(choose(DENIAL, PENDING.requester, dana, { ...asked, ...more }, NOW)).toEqual({ kind: "refused", reason });
  });

  test("a denial lapses at the instant it names", () => {
    expect(choose(DENIAL, PENDING.requester, dana, asked, DENIAL.expiresAt)).toEqual({
      kind: "refused",
      reason: "expired_denial",
    });
  });

  test("what is not asked is taken as offered", () => {
    expect(choose(DENIAL, PENDING.requester, dana, asked, NOW)).toMatchObject({
      kind: "chosen",
      requested: { maxUses: 5, duration: 3_600_000, binding: "scope" },
    });
  });

  test("a request ends with the time that was asked for, or with its own when that is sooner", () => {
    expect(pending().expiresAt).toBe(NOW + DAY_MS);
    const ends = (expiresIn: number) =>
      pending(undefined, { notAfter: instant(NOW + 60_000) }, durationMs(expiresIn)).expiresAt - NOW;
    expect([ends(DAY_MS), ends(59_999)]).toEqual([60_000, 59_999]);
  });

  test("says on record which revision routed, beside the one that denied", () => {
    expect(submitted().events).toMatchObject([
      { type: "request.submitted", policyRevision: denial.policyRevision, data: { routedByRevision: "sha256:2e0d" } },
    ]);
  });

  test("an account without a person cannot obtain a human approval", () => {
    expect(() => pending({ ...PENDING.requester, person: undefined })).toThrow("no_person");
  });
});

describe("the denial of a person who spoke through an agent", () => {
  const alice = manager("alice", "alice", { actorPersons: [person("bob")], machine: true });
  test("does not exist for another person who speaks through the same agent", () => {
    expect(choose(denial, throughAgent, alice, asked, NOW)).toEqual({ kind: "refused", reason: "unknown_denial" });
  });
  test("does not exist for the owner of the agent, who could not review it either", () => {
    const bob = manager("bob", "bob");
    expect(choose(denial, throughAgent, bob, asked, NOW)).toEqual({ kind: "refused", reason: "unknown_denial" });
  });
  test("its request is not theirs to cancel", () => {
    for (const other of [alice, manager("bob", "bob")]) {
      expect(cancel(pending(), other, undefined, NOW)).toEqual({ kind: "refused", reason: "not_requester" });
    }
  });
  test("is that person's to submit and to cancel, from any account", () => {
    const second = manager("dana-2", "dana");
    expect(choose(denial, throughAgent, second, asked, NOW).kind).toBe("chosen");
    expect(cancel(pending(), second, undefined, NOW).kind).toBe("closed");
  });
});

test("two accounts without a person are not each other", () => {
  const from: Requester = { ...throughAgent, person: undefined, actorPersons: [] };
  expect(choose(denial, from, manager("other", undefined), asked, NOW).kind).toBe("refused");
});

describe("a reason is not given", () => {
  test.each([
    ["by spaces", " ".repeat(20)],
    ["by characters that nobody sees", "\u200b\u2060\u00ad\u200d\u3164\u115f\u2800\u202e\u{e0041}\ufe0f".repeat(3)],
    ["by nine characters with invisible ones between", [..."ninechars"].join("\u200b")],
    ["by nine characters with spaces around", "   ninechars   "],
  ])("%s", (_how, justification) => {
    const answer = choose(denial, throughAgent, manager("dana", "dana"), { ...asked, justification }, NOW);
    expect(answer).toEqual({ kind: "refused", reason: "justification_required" });
  });
});

test("a reason is given in any script, counted in characters", () => {
  for (const justification of ["ten chars!", "注文を削除する必要がある", "удалить зaказ"]) {
    expect(choose(denial, throughAgent, manager("dana", "dana"), { ...asked, justification }, NOW).kind).toBe("chosen");
  }
});

test("an exact elevation whose call cannot be bound is not submitted", () => {
  const offer = {
    elevation: { ...elevation, binding: "exact" },
    binding: { kind: "unbindable", reason: "not_reviewable" },
  } as const;
  const answer = choose({ ...denial, offers: [offer] }, throughAgent, manager("dana", "dana"), asked, NOW);
  expect(answer).toEqual({ kind: "refused", reason: "not_bindable" });
});

test("a reason that is required is at least one character, whatever length the policy names", () => {
  const offer = { ...denial.offers[0], elevation: { ...elevation, justification: { required: true, minLength: 0 } } };
  const given = (justification: string) =>
    choose({ ...denial, offers: [offer] }, throughAgent, manager("dana", "dana"), { ...asked, justification }, NOW)
      .kind;
  expect(given("")).toBe("refused");
  expect(given("x")).toBe("chosen");
});

describe("more than is offered is", () => {
  test.each<[string, Partial<Asked>]>([
    ["no time at all", { duration: durationMs(0) }],
    ["more uses than a row can count", { maxUses: 2 ** 31 }],
    ["no use", { maxUses: 0 }],
    ["half a use", { maxUses: 1.5 }],
    ["an end that is over", { notAfter: NOW }],
    ["an end before the start", { notBefore: instant(NOW + 10), notAfter: instant(NOW + 10) }],
    ["an end later than what is offered, begun now, would have", { notAfter: instant(NOW + 3_600_001) }],
    ["a start beyond seven days", { notBefore: instant(NOW + 7 * DAY_MS + 1) }],
  ])("%s", (_what, more) => {
    const answer = choose(denial, throughAgent, manager("dana", "dana"), { ...asked, ...more }, NOW);
    expect(answer).toEqual({ kind: "refused", reason: "exceeds_offer" });
  });
});
