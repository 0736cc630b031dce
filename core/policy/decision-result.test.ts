import { describe, expect, test } from "@jest/globals";
import { verdictOf } from "./decision-result.ts";
import { mayReviewOf } from "./may-review-result.ts";
import { parseValue } from "./rego-value/parse.ts";
import { routeOf } from "./route-result.ts";

const EMPTY = {
  outcome: "no_rule_matched",
  reasons: [],
  elevations: [],
  responses: [],
  context_missing: [],
  malformed: [],
};
const ELEVATION = { entitlement: "e", scope: "s", title: "t", max_duration: "1h" };

function verdict(parts: object): ReturnType<typeof verdictOf> {
  return verdictOf(parseValue(JSON.stringify({ ...EMPTY, ...parts }), "rego"));
}

describe("what is not of the contract never allows", () => {
  test.each([
    ["undefined", undefined],
    ["true", "true"],
    ["1", "1"],
    ["a text", '"allow"'],
    ["an empty object", "{}"],
    ["an empty set", "set()"],
    ["null", "null"],
    ["a key that is no text", "{1: 2}"],
  ])("%s", (_name, text) => {
    const value = text === undefined ? undefined : parseValue(text, "rego");
    expect(verdictOf(value)).toMatchObject({ kind: "fault", reason: "policy_result_invalid" });
  });

  test.each([
    ["an unknown outcome", { outcome: "maybe" }],
    ["an unknown key", { outcome: "allow", reasons: ["a"], extra: 1 }],
    [
      "a reason asked for that is longer than any that is taken",
      { outcome: "elevate", elevations: [{ ...ELEVATION, justification: { min_length: 2_001 } }] },
    ],
    ["an allow without a reason", { outcome: "allow" }],
    ["a deny without a reason", { outcome: "deny" }],
    ["a reason that is no text", { outcome: "allow", reasons: [1] }],
    ["rules that are no set", { outcome: "allow", reasons: ["a"], malformed: ["x.deny"] }],
    ["an elevate without an elevation", { outcome: "elevate" }],
    [
      "nine elevations",
      { outcome: "elevate", elevations: Array.from({ length: 9 }, (_, n) => ({ ...ELEVATION, scope: `${n}` })) },
    ],
    ["an unknown key in an elevation", { outcome: "elevate", elevations: [{ ...ELEVATION, bindng: "scope" }] }],
    ["a use count of zero", { outcome: "elevate", elevations: [{ ...ELEVATION, max_uses: 0 }] }],
    ["a use count with a fraction", { outcome: "elevate", elevations: [{ ...ELEVATION, max_uses: 1.5 }] }],
    ["a duration in days", { outcome: "elevate", elevations: [{ ...ELEVATION, max_duration: "1d" }] }],
    ["a duration of nothing", { outcome: "elevate", elevations: [{ ...ELEVATION, max_duration: "0s" }] }],
    ["a bound header in upper case", { outcome: "elevate", elevations: [{ ...ELEVATION, bind_headers: ["X"] }] }],
    ["a missing title", { outcome: "elevate", elevations: [{ ...ELEVATION, title: "" }] }],
    ["a header with a line break", { outcome: "allow", reasons: ["a"], responses: [{ headers: { a: "b\r\nc: d" } }] }],
  ])("%s", (_name, parts) => {
    expect(verdict(parts)).toMatchObject({ kind: "fault", reason: "policy_result_invalid" });
  });

  test.each([
    ["over 4 KiB, counted in bytes", [{ label: "l", value: "é".repeat(2_048) }], "1 lines and 4097 bytes"],
    ["of more than 64 lines", Array.from({ length: 65 }, () => ({ label: "l", value: "" })), "65 lines and 65 bytes"],
  ])("a display %s is refused whole, and its elevation named, but nothing of what it shows", (_name, display, size) => {
    const second = { ...ELEVATION, entitlement: "refunds", display };
    const refused = verdict({ outcome: "elevate", elevations: [ELEVATION, second] });
    expect(refused).toMatchObject({ kind: "fault", reason: "display_too_large" });
    const detail = refused.kind === "fault" ? refused.detail : "";
    expect(detail).toContain(`"refunds" has ${size}`);
    expect(detail).not.toContain("é");
    expect(detail.length).toBeLessThan(256); // of which the decision record keeps as much
  });

  test("a display of 64 lines and 4 KiB is shown", () => {
    const lines = Array.from({ length: 64 }, () => ({ label: "l", value: "v".repeat(63) }));
    expect(verdict({ outcome: "elevate", elevations: [{ ...ELEVATION, display: lines }] })).toMatchObject({
      kind: "elevate",
      elevations: [{ display: lines }],
    });
  });

  test("a number that a double would round is refused", () => {
    const text = JSON.stringify({ ...EMPTY, outcome: "elevate", elevations: [{ ...ELEVATION, max_uses: 77 }] });
    const value = parseValue(text.replace("77", "9007199254740993"), "rego");
    expect(verdictOf(value)).toMatchObject({ kind: "fault", reason: "policy_result_invalid" });
  });

  test("text that is not Unicode is refused: two byte strings would become one scope", () => {
    const text = JSON.stringify({ ...EMPTY, outcome: "elevate", elevations: [{ ...ELEVATION, scope: "SCOPE" }] });
    const value = parseValue(text.replace("SCOPE", "order/\udcff"), "rego");
    expect(verdictOf(value)).toMatchObject({ kind: "fault", reason: "policy_result_invalid" });
  });

  test("required context that is missing is a fault, but a deny stays a deny", () => {
    const missing = { context_missing: ["incidents"] };
    expect(verdict({ ...missing, outcome: "allow", reasons: ["a"] })).toMatchObject({ reason: "context_unavailable" });
    expect(verdict({ ...missing, outcome: "elevate", elevations: [ELEVATION] })).toMatchObject({ kind: "fault" });
    expect(verdict({ ...missing, outcome: "deny", reasons: ["d"] })).toMatchObject({ kind: "deny" });
  });

  test("two packages that disagree about a header are a conflict", () => {
    const allow = { outcome: "allow", reasons: ["a"] };
    expect(verdict({ ...allow, responses: [{ headers: { "X-A": "1" } }, { headers: { "x-a": "2" } }] })).toMatchObject({
      kind: "fault",
      reason: "policy_conflict",
    });
    expect(
      verdict({ ...allow, responses: [{ headers: { a: "1" } }, { request_headers_to_remove: ["A"] }] }),
    ).toMatchObject({ kind: "fault", reason: "policy_conflict" });
    expect(verdict({ ...allow, responses: [{ headers: { a: "1" } }, { headers: { a: "1", b: ["2", "3"] } }] })).toEqual(
      {
        kind: "allow",
        reasons: ["a"],
        response: {
          headers: [
            ["a", "1"],
            ["b", "2"],
            ["b", "3"],
          ],
          responseHeadersToAdd: [],
          requestHeadersToRemove: [],
        },
      },
    );
  });
});

test("an elevation gets its defaults, and several come in one order", () => {
  expect(verdict({ outcome: "elevate", elevations: [{ ...ELEVATION, scope: "z" }, ELEVATION] })).toMatchObject({
    kind: "elevate",
    elevations: [
      {
        scope: "s",
        risk: "high",
        binding: "exact",
        maxUses: 1,
        maxDuration: 3_600_000,
        display: [],
        bindHeaders: [],
        justification: { required: true, minLength: 10 },
      },
      { scope: "z" },
    ],
  });
});

test("a set of reasons arrives sorted, whatever its order in memory", () => {
  const text =
    '{"outcome": "allow", "reasons": {"c", "a", "b"}, "elevations": set(), "responses": set(), "context_missing": set(), "malformed": set()}';
  expect(verdictOf(parseValue(text, "rego"))).toMatchObject({ kind: "allow", reasons: ["a", "b", "c"] });
});

describe("routes", () => {
  const route = (value: unknown): ReturnType<typeof routeOf> =>
    routeOf(parseValue(JSON.stringify(value), "rego"), { defaultRealm: "corp" });

  test.each([
    ["nothing", {}],
    ["both answers", { requirement: { group: "a" }, decide: "approve", reason: "r" }],
    ["a decision without a reason", { decide: "approve" }],
    ["an unknown decision", { decide: "maybe", reason: "r" }],
    ["an empty tree", { requirement: { all_of: [] } }],
    ["two kinds in one node", { requirement: { group: "a", person: "b" } }],
    ["n of too few", { requirement: { n_of: { n: 3, of: [{ group: "a" }, { group: "b" }] } } }],
    ["an unknown kind", { requirement: { none_of: [{ group: "a" }] } }],
    ["a name that is no text", { requirement: { group: 1 } }],
    ["a group that no index takes", { requirement: { group: "a".repeat(257) } }],
    ["a person that no index takes", { requirement: { person: "a".repeat(257) } }],
    ["a realm that no index takes", { requirement: { group: "a", realm: "x".repeat(257) } }],
    ["a name that no column takes", { requirement: { group: "a\0" } }],
    ["a reason that no column takes", { decide: "deny", reason: "r\0" }],
    ["a stage inside a tree", { requirement: { all_of: [{ stages: [{ group: "a" }] }] } }],
    ["no stage", { requirement: { stages: [] } }],
    ["an expiry of more than seven days", { requirement: { group: "a" }, expires_in: "169h" }],
    ["an expiry of no length", { requirement: { group: "a" }, expires_in: "0s" }],
    ["an escalation after the end", { requirement: { group: "a" }, escalate: { after: "24h", notify: ["b"] } }],
    ["a limit of no use", { requirement: { group: "a" }, limits: { max_uses: 0 } }],
    ["a misspelt limit", { requirement: { group: "a" }, limits: { uses: 1 } }],
    ["an expiry of a decision", { decide: "approve", reason: "r", expires_in: "1h" }],
  ])("%s is a fault", (_name, value) => {
    expect(route(value).kind).toBe("failed");
  });

  test("trees, realms and decisions are understood", () => {
    expect(route({ decide: "deny", reason: "r" })).toEqual({
      ...{ kind: "automatic", decision: "deny", reason: "r" },
      limits: undefined,
    });
    expect(route({ requirement: { any_of: [{ group: "a" }, { person: "b", realm: "x" }] } })).toEqual({
      ...{ kind: "people", expiresIn: 86_400_000, limits: undefined, notify: [], escalation: undefined },
      requirement: {
        kind: "any_of",
        of: [
          { kind: "one_from", set: { kind: "group", realm: "corp", group: "a" } },
          { kind: "one_from", set: { kind: "person", person: { realm: "x", id: "b" } } },
        ],
      },
    });
  });

  test("a person is named in the form in which people of the realm are compared, which no index takes if it is too long; a group as it is written", () => {
    const personId = (realm: string, id: string) => (realm === "corp" ? id.toLowerCase() : `${id}${"x".repeat(256)}`);
    const named = (requirement: object) =>
      routeOf(parseValue(JSON.stringify({ requirement }), "rego"), { defaultRealm: "corp", personId });
    expect(named({ person: "Kim@Example.com" })).toMatchObject({
      requirement: { set: { kind: "person", person: { realm: "corp", id: "kim@example.com" } } },
    });
    expect(named({ group: "Managers" })).toMatchObject({ requirement: { set: { group: "Managers" } } });
    expect(named({ person: "kim", realm: "x" }).kind).toBe("failed");
  });

  test("a name of 256 characters is taken", () => {
    const [group, realm] = ["a".repeat(256), "\u{1d11e}".repeat(128)];
    expect(route({ requirement: { group, realm } })).toMatchObject({ requirement: { set: { group, realm } } });
  });

  test("stages, expiry, limits, and who is told and when are understood", () => {
    const said = {
      requirement: { stages: [{ group: "a" }, { group: "b" }] },
      ...{ expires_in: "4h", limits: { max_uses: 1, max_duration: "10m" }, notify: ["#orders"] },
      escalate: { after: "30m", notify: ["#duty"] },
    };
    expect(route(said)).toEqual({
      kind: "people",
      requirement: {
        kind: "stages",
        of: ["a", "b"].map((group) => ({ kind: "one_from", set: { kind: "group", realm: "corp", group } })),
      },
      ...{ expiresIn: 14_400_000, limits: { maxUses: 1, maxDuration: 600_000 }, notify: ["#orders"] },
      escalation: { after: 1_800_000, notify: ["#duty"] },
    });
    expect(route({ decide: "approve", reason: "on call", limits: { max_duration: "5m" } })).toMatchObject({
      ...{ kind: "automatic", decision: "approve", limits: { maxUses: undefined, maxDuration: 300_000 } },
    });
  });
});

test("may_review that is not understood does not allow", () => {
  for (const text of ["true", '{"allowed": "true", "reasons": []}', '{"allowed": true}']) {
    expect(mayReviewOf(parseValue(text, "rego")).kind).toBe("fault");
  }
  expect(mayReviewOf(undefined).kind).toBe("fault");
});
