/** Who may submit a denial and for how much: what access-request.test.ts leaves open. */
import { describe, expect, test } from "@jest/globals";
import { cancel, type Requester } from "./access-request.ts";
import type { Denial } from "./denial.ts";
import type { Elevation } from "./elevation.ts";
import { digest, id } from "./id.ts";
import { review } from "./review.ts";
import type { Party, Person } from "./subject.ts";
import { type Asked, choose, submit } from "./submit.ts";
import { durationMs, instant, plus } from "./time.ts";

const NOW = instant(1_795_000_000_000);
const DAY_MS = 24 * 3_600_000;
const uuid = (n: number) => `01930000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const A = digest("a".repeat(64));
const ISSUER = "https://issuer.example";
const person = (name: string): Person => ({ realm: "corp", id: name });

function party(account: string, name: string | undefined, more: Partial<Party> = {}): Party {
  return {
    subject: { issuer: ISSUER, id: account, groups: ["managers"], claims: {}, actors: [] },
    person: name === undefined ? undefined : person(name),
    actorPersons: [],
    machine: false,
    ...more,
  };
}

const elevation: Elevation = {
  entitlement: "orders-delete",
  scope: "order/42",
  title: "Delete an order",
  display: [],
  approversHint: undefined,
  risk: "high",
  binding: "scope",
  bindHeaders: [],
  maxUses: "unlimited",
  maxDuration: durationMs(3_600_000),
  justification: { required: true, minLength: 10 },
};
/** dana was denied through an agent that bob owns. */
const throughAgent: Requester = {
  person: person("dana"),
  actorPersons: [person("bob")],
  issuer: ISSUER,
  subject: "dana",
  actors: [{ issuer: ISSUER, id: "agent" }],
};
const denial: Denial = {
  id: id("denial", uuid(1)),
  key: A,
  decisionId: id("decision", uuid(2)),
  mintedAt: NOW,
  expiresAt: plus(NOW, durationMs(900_000)),
  subject: party("dana", "dana").subject,
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
  offers: [{ elevation, binding: { kind: "digest", digest: A } }],
  policyRevision: "r1",
  justification: undefined,
  traceparent: undefined,
};
const asked: Asked = {
  entitlement: undefined,
  scope: undefined,
  justification: "wrong order, customer called",
  maxUses: undefined,
  duration: undefined,
  notBefore: undefined,
};

function pending() {
  const chosen = choose(denial, throughAgent, party("dana", "dana"), asked, NOW);
  if (chosen.kind === "refused") throw new Error(chosen.reason);
  const { offer, justification, requested } = chosen;
  const { call, policyRevision } = denial;
  const draft = {
    id: id("request", uuid(3)),
    denialId: denial.id,
    key: A,
    requester: throughAgent,
    call,
    offer,
    justification,
    requested,
    policyRevision,
  };
  const requirement = { kind: "one_from", set: { kind: "group", realm: "corp", group: "managers" } } as const;
  const routing = {
    kind: "people",
    requirement,
    expiresIn: durationMs(DAY_MS),
    limits: undefined,
    notify: [],
    escalation: undefined,
  } as const;
  const made = submit(draft, routing, id("grant", uuid(4)), party("dana", "dana"), NOW, () => A);
  if (made.kind === "refused") throw new Error(made.reason);
  return made.request;
}

describe("the denial of a person who spoke through an agent", () => {
  const alice = party("alice", "alice", { actorPersons: [person("bob")], machine: true });
  test("does not exist for another person who speaks through the same agent", () => {
    expect(choose(denial, throughAgent, alice, asked, NOW)).toEqual({ kind: "refused", reason: "unknown_denial" });
  });
  test("does not exist for the owner of the agent, who could not review it either", () => {
    const bob = party("bob", "bob");
    expect(choose(denial, throughAgent, bob, asked, NOW)).toEqual({ kind: "refused", reason: "unknown_denial" });
  });
  test("its request is not theirs to cancel", () => {
    for (const other of [alice, party("bob", "bob")]) {
      expect(cancel(pending(), other, undefined, NOW)).toEqual({ kind: "refused", reason: "not_requester" });
    }
  });
  test("is that person's to submit and to cancel, from any account", () => {
    const second = party("dana-2", "dana");
    expect(choose(denial, throughAgent, second, asked, NOW).kind).toBe("chosen");
    expect(cancel(pending(), second, undefined, NOW).kind).toBe("closed");
  });
});

test("two accounts without a person are not each other", () => {
  const from: Requester = { ...throughAgent, person: undefined, actorPersons: [] };
  expect(choose(denial, from, party("other", undefined), asked, NOW).kind).toBe("refused");
});

describe("a reason is not given", () => {
  test.each([
    ["by spaces", " ".repeat(20)],
    ["by characters that nobody sees", "\u200b\u2060\u00ad\u200d\u3164\u115f\u2800\u202e\u{e0041}\ufe0f".repeat(3)],
    ["by nine characters with invisible ones between", [..."ninechars"].join("\u200b")],
    ["by nine characters with spaces around", "   ninechars   "],
  ])("%s", (_how, justification) => {
    const answer = choose(denial, throughAgent, party("dana", "dana"), { ...asked, justification }, NOW);
    expect(answer).toEqual({ kind: "refused", reason: "justification_required" });
  });
});

test("a reason is given in any script, counted in characters", () => {
  for (const justification of ["ten chars!", "注文を削除する必要がある", "удалить зaказ"]) {
    expect(choose(denial, throughAgent, party("dana", "dana"), { ...asked, justification }, NOW).kind).toBe("chosen");
  }
});

test("an exact elevation whose call cannot be bound is not submitted", () => {
  const offer = {
    elevation: { ...elevation, binding: "exact" },
    binding: { kind: "unbindable", reason: "not_reviewable" },
  } as const;
  const answer = choose({ ...denial, offers: [offer] }, throughAgent, party("dana", "dana"), asked, NOW);
  expect(answer).toEqual({ kind: "refused", reason: "not_bindable" });
});

test("a reason that is required is at least one character, whatever length the policy names", () => {
  const offer = { ...denial.offers[0], elevation: { ...elevation, justification: { required: true, minLength: 0 } } };
  const given = (justification: string) =>
    choose({ ...denial, offers: [offer] }, throughAgent, party("dana", "dana"), { ...asked, justification }, NOW).kind;
  expect(given("")).toBe("refused");
  expect(given("x")).toBe("chosen");
});

describe("more than is offered is", () => {
  test.each<[string, Partial<Asked>]>([
    ["no time at all", { duration: durationMs(0) }],
    ["more uses than a row can count", { maxUses: 2 ** 31 }],
    ["no use", { maxUses: 0 }],
    ["half a use", { maxUses: 1.5 }],
    ["a start beyond seven days", { notBefore: instant(NOW + 7 * DAY_MS + 1) }],
  ])("%s", (_what, more) => {
    const answer = choose(denial, throughAgent, party("dana", "dana"), { ...asked, ...more }, NOW);
    expect(answer).toEqual({ kind: "refused", reason: "exceeds_offer" });
  });
});

describe("a review", () => {
  const vote = {
    reviewId: id("review", uuid(5)),
    grantId: id("grant", uuid(6)),
    reviewer: party("max", "max"),
    vote: "approve",
    narrowing: undefined,
    comment: undefined,
    digest: A,
    lapsed: new Set<never>(),
    permitted: true,
  } as const;

  test("that starts the grant beyond seven days is refused, up to the last instant there is", () => {
    for (const ms of [NOW + 7 * DAY_MS + 1, 253_402_300_799_999]) {
      const outcome = review(pending(), { ...vote, narrowing: { notBefore: instant(ms) } }, NOW);
      expect(outcome).toMatchObject({ kind: "refused", reason: "widens" });
    }
    const latest = { notBefore: instant(NOW + 7 * DAY_MS) };
    expect(review(pending(), { ...vote, narrowing: latest }, NOW).kind).toBe("reviewed");
  });

  test("that denies with a reason that nobody sees is refused", () => {
    const outcome = review(pending(), { ...vote, vote: "deny", comment: "\u200b\u3164 " }, NOW);
    expect(outcome).toMatchObject({ kind: "refused", reason: "reason_required" });
  });
});
