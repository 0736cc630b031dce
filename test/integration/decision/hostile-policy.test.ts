/** A policy that answers what no policy should (hostile-fixture.ts): each answer denies with its own reason. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa, makeBundle } from "../../harness/made-bundle.ts";
import { type HostileTarget, startHostileTarget } from "./hostile-fixture.ts";
import { claims, token } from "./lone-decision.ts";

/** An answer by path, and one honest answer; what stands in `results` is in no way checked by this policy. */
const NONSENSE = `package countersign

asked := input.parsed_path[0]

decision := data.results[asked] if not asked in {"conflict", "memory", "slow", "builtin"}

decision := data.results.honest if asked == "conflict"

decision := data.results[""] if asked == "conflict"

decision := object.union(data.results.honest, {"reasons": [sprintf("%d", [count(numbers.range(1, 100000000))])]}) if asked == "memory"

decision := data.results.honest if {
	asked == "slow"
	count([1 | data.many[_] == data.others[_]]) == 0
}

decision := data.results.honest if {
	asked == "builtin"
	not time.parse_rfc3339_ns(asked) > 0
}
`;
const APPROVAL = `package countersign.approval

route := {}

may_review := {}
`;

const ALLOW = { outcome: "allow", reasons: ["r"], elevations: [], responses: [], context_missing: [], malformed: [] };
const ELEVATION = { entitlement: "e", scope: "s", title: "t", max_duration: "1h" };
const withResponse = (response: object) => ({ ...ALLOW, responses: [response] });
const elevating = (...elevations: object[]) => ({ ...ALLOW, outcome: "elevate", elevations });

const RESULTS: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  number: 1,
  allow: "allow",
  array: [ALLOW],
  object: {},
  "no-outcome": { ...ALLOW, outcome: undefined },
  "outcome-true": { ...ALLOW, outcome: true },
  "outcome-ALLOW": { ...ALLOW, outcome: "ALLOW" },
  "outcome-list": { ...ALLOW, outcome: ["allow"] },
  "unknown-key": { ...ALLOW, allowed: true },
  "no-reasons": { ...ALLOW, reasons: [] },
  "reasons-text": { ...ALLOW, reasons: "r" },
  "reason-number": { ...ALLOW, reasons: [1] },
  "deny-without-reason": { ...ALLOW, outcome: "deny", reasons: [] },
  malformed: { ...ALLOW, malformed: ["orders.deny"] },
  "header-number": withResponse({ headers: { "x-a": 1 } }),
  "header-line-break": withResponse({ headers: { "x-a": "1\r\nx-b: 2" } }),
  "header-name": withResponse({ headers: { "x a": "1" } }),
  "response-key": withResponse({ http_status: 200 }),
  "elevate-nothing": elevating(),
  "elevate-nine": elevating(...Array.from({ length: 9 }, (_, at) => ({ ...ELEVATION, scope: String(at) }))),
  "elevate-unknown-key": elevating({ ...ELEVATION, bindng: "exact" }),
  "elevate-for-ever": elevating({ ...ELEVATION, max_duration: "forever" }),
  "elevate-no-uses": elevating({ ...ELEVATION, max_uses: 0 }),
  "elevate-half-use": elevating({ ...ELEVATION, max_uses: 0.5 }),
  "elevate-no-scope": elevating({ ...ELEVATION, scope: undefined }),
};
const LONG_DISPLAY = elevating({ ...ELEVATION, display: [{ label: "l", value: "v".repeat(5_000) }] });

async function nonsenseBundle(folder: string): Promise<string> {
  const bundle = join(folder, "nonsense");
  const quiet = { ...ALLOW, outcome: "no_rule_matched", reasons: [] };
  // The empty path is what a bundle is warmed up with, /orders/42 is the honest check.
  const context = { ...ALLOW, context_missing: ["incidents"] };
  const results = { ...RESULTS, "long-display": LONG_DISPLAY, context, "": quiet, honest: ALLOW, orders: ALLOW };
  const numbers = Array.from({ length: 8_000 }, (_, at) => at);
  const data = { results, many: numbers, others: numbers.map((one) => -1 - one) };
  await makeBundle(bundle, [NONSENSE, APPROVAL], data);
  return bundle;
}

const whenOpa = (await hasOpa()) ? describe : describe.skip;

whenOpa("a policy that answers nonsense denies, and says so to nobody but the operator", () => {
  let target: HostileTarget;
  beforeAll(async () => {
    target = await startHostileTarget("nonsense", nonsenseBundle);
  });
  afterAll(() => target[Symbol.asyncDispose]());
  afterEach(() => target.expectServing());

  const decide = (path: string) => target.outcomeOfCheck(`/${path}`, [`Bearer ${token()}`]);

  test.each(["undefined", ...Object.keys(RESULTS)])("%s", async (name) => {
    expect(await decide(name)).toBe("503 policy_result_invalid");
  });

  test("more to show reviewers than they are shown, which no waiting mends", async () => {
    expect(await decide("long-display")).toBe("403 display_too_large");
  });

  test("two answers at once", async () => {
    expect(await decide("conflict")).toBe("503 policy_conflict");
  });

  test("context that it needs and that is not there", async () => {
    expect(await decide("context")).toBe("503 context_unavailable");
  });

  test("more memory than it may have", async () => {
    expect(await decide("memory")).toBe("503 policy_budget_exceeded");
  });

  test("a built-in that fails, where the rule would have gone on to allow", async () => {
    expect(await decide("builtin")).toBe("503 policy_error");
  });

  test("each of them is counted by its reason", async () => {
    await decide("number");
    const counted = 'countersign_decision_decisions_total{outcome="deny",reason="policy_result_invalid"}';
    expect(await target.metric(counted)).toBeGreaterThan(0);
  });

  test("more time than it may take", async () => {
    expect(await decide("slow")).toBe("503 policy_budget_exceeded");
  });

  test("three times within a minute: then the same rule is not evaluated again for the same subject, but for another, and another rule is", async () => {
    const asks = (sub: string, path: string) =>
      target.outcomeOfCheck(path, [`Bearer ${token({ payload: claims({ sub }) })}`]);
    const evaluations = () => target.metric("countersign_decision_policy_evaluation_seconds_count");
    for (let count = 0; count < 3; count += 1) expect(await asks("max", "/slow")).toBe("503 policy_budget_exceeded");
    const before = await evaluations();
    expect(before).toBeGreaterThanOrEqual(3);
    for (const path of ["/slow", "/slow/er"]) expect(await asks("max", path)).toBe("503 policy_suspended");
    expect(await evaluations()).toBe(before);
    expect(await asks("sam", "/slow")).toBe("503 policy_budget_exceeded");
    expect(await asks("max", "/orders/42")).toBe("allow");
    expect(await evaluations()).toBe(before + 2);
  });
});
