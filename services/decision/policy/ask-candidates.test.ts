import { describe, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import type { CandidateSets } from "../../../core/policy/candidates-result.ts";
import type { Authenticated } from "../api/ports.ts";
import type { Search, Sought } from "../authzen/ports.ts";
import { createCandidates } from "./ask-candidates.ts";
import { createSuspensions } from "./suspensions.ts";

const RUNAWAY: CandidateSets = { kind: "fault", reason: "policy_budget_exceeded", detail: "steps" };
const SUSPENDED = { kind: "fault", reason: "policy_suspended" };
const PORTAL: Authenticated = { kind: "client", client: { name: "portal", subjects: new Map(), enforcer: false } };
const OTHER: Authenticated = { kind: "client", client: { name: "other", subjects: new Map(), enforcer: false } };

const account = (id: string): Authenticated => {
  const subject = { issuer: "https://a", id, groups: [], claims: {}, actors: [] };
  return { kind: "subject", subject, expiresAt: Number.MAX_SAFE_INTEGER };
};

function searchOf(sought: Sought, given: string): Search {
  const subject = { type: "user", id: sought === "subject" ? "" : given, properties: {} };
  const resource = { type: "file", id: sought === "subject" ? given : "", properties: {} };
  return { sought, question: { subject, action: { name: "read", properties: {} }, resource, context: {} } };
}

function setUp(sets: CandidateSets = RUNAWAY, suspensions = createSuspensions()) {
  const observed: number[] = [];
  let evaluated = 0;
  const candidates = createCandidates({
    host: {
      revision: () => "r1",
      offersCandidates: () => true,
      candidates: () => {
        evaluated += 1;
        return { sets, fuelUsed: 1_000 };
      },
    },
    suspensions,
    observe: ({ fuelUsed }) => observed.push(fuelUsed),
    monotonicMs: () => 0,
  });
  const list = (caller: Authenticated, search: Search, monoMs = 0) =>
    candidates.list(search, caller, { wall: instant(1_800_000_000_000), monoMs });
  return { list, observed, evaluated: () => evaluated };
}

describe("a search whose candidates exceed the budget", () => {
  test.each([
    ["a program", PORTAL, OTHER],
    ["an account", account("dana"), account("max")],
  ])("is not evaluated a fourth time within a minute for %s, and others are served", (_who, caller, other) => {
    const { list, evaluated, observed } = setUp();
    const search = searchOf("resource", "dana");
    for (let count = 0; count < 3; count++) expect(list(caller, search, count)).toMatchObject(RUNAWAY);
    expect(list(caller, search, 10)).toEqual(SUSPENDED);
    expect(evaluated()).toBe(3);
    expect(list(other, search, 10)).toMatchObject(RUNAWAY);
    expect(list(caller, search, 60_000)).toMatchObject(RUNAWAY);
    expect(observed).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
  });

  test.each<Sought>(["subject", "action", "resource"])(
    "for a %s leaves a program those about others, until nine of them were too much",
    (sought) => {
      const { list, evaluated } = setUp();
      for (const given of ["one", "two", "three"]) {
        for (let count = 0; count < 3; count++) expect(list(PORTAL, searchOf(sought, given))).toMatchObject(RUNAWAY);
      }
      expect(list(PORTAL, searchOf(sought, "four"))).toEqual(SUSPENDED);
      expect(evaluated()).toBe(9);
    },
  );

  test("tells ids apart that begin alike, as those of SPIFFE do", () => {
    const { list, evaluated } = setUp();
    for (let count = 0; count < 3; count++) list(PORTAL, searchOf("resource", "spiffe://td/a"));
    expect(list(PORTAL, searchOf("resource", "spiffe://td/a"))).toEqual(SUSPENDED);
    expect(list(PORTAL, searchOf("resource", "spiffe://td/b"))).toMatchObject(RUNAWAY);
    expect(evaluated()).toBe(4);
  });

  test("counts against an account together with its decisions", () => {
    const suspensions = createSuspensions();
    for (let route = 0; route < 9; route++) {
      suspensions.note({ revision: "r1", subject: '["https://a","dana"]', method: "GET", path: `/${route}` }, 0);
    }
    const { list, evaluated } = setUp(RUNAWAY, suspensions);
    expect(list(account("dana"), searchOf("resource", "dana"))).toEqual(SUSPENDED);
    expect(evaluated()).toBe(0);
  });
});

test("a policy that exposes nothing to search was not evaluated, so nothing is observed", () => {
  const { list, observed } = setUp({ kind: "none" });
  expect(list(PORTAL, searchOf("resource", "dana"))).toEqual({ kind: "none" });
  expect(observed).toEqual([]);
});
