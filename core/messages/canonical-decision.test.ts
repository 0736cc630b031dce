import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { canonicalDecision } from "./canonical-decision.ts";
import { DecisionLogRecordSchema, type LoggedDecision } from "./decision-record.ts";
import { canonicalJson } from "./hashing.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.constant('\u2028\\ud800"\u0000/'),
);
const nullable = fc.option(text, { nil: null });
const account = fc.record({ issuer: text, id: text });
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });

const asked = fc.record({ host: text, duration_us: count, outcome: text });

const records: fc.Arbitrary<LoggedDecision> = fc.record(
  {
    ...{ v: fc.constant(1 as const), log: text, index: count, prev: text, time: text },
    ...{ kind: fc.constant("decision" as const), decision_id: text },
    ...{ outcome: fc.constantFrom("allow", "deny", "needs_approval"), reason: nullable, reasons: fc.array(text) },
    subject: fc.option(fc.record({ issuer: text, id: text, actors: fc.array(account) }), { nil: null }),
    ...{ method: text, authority: text, path: text, masked_query: text, source_address: nullable, country: text },
    client: text,
    ...{
      policy_revision: nullable,
      policy_fuel: count,
      policy_asked: fc.array(asked),
      entitlements: fc.array(text),
      denial_id: nullable,
    },
    ...{ grant_id: nullable, request_id: nullable, grant_reason: nullable, redeemed: fc.boolean() },
    ...{ mode: fc.constantFrom("enforce", "ask"), duration_us: count, traceparent: nullable },
  },
  {
    requiredKeys: [
      ...(["v", "log", "index", "prev", "time", "kind", "decision_id", "outcome", "reason", "reasons"] as const),
      ...(["subject", "method", "authority", "path", "masked_query", "source_address", "policy_revision"] as const),
      ...(["entitlements", "denial_id", "grant_id", "request_id", "grant_reason", "redeemed", "mode"] as const),
      ...(["duration_us", "traceparent"] as const),
    ],
  },
);

test("a decision is written to the letter as RFC 8785 writes it, whatever it holds", () => {
  fc.assert(
    fc.property(records, (record) => {
      expect(canonicalDecision(record, record)).toBe(canonicalJson(record));
    }),
  );
});

test("no member that the schema knows is left out of what is written", () => {
  const [, , { properties }] = DecisionLogRecordSchema.anyOf;
  const [record] = fc.sample(records, 1);
  if (record === undefined) throw new Error("no sample");
  const whole = { client: "c", country: "DE", policy_asked: [], policy_fuel: 0, ...record };
  expect(Object.keys(JSON.parse(canonicalDecision(whole, whole)))).toEqual(Object.keys(properties).sort());
});

test("a text of any one UTF-16 unit is written as RFC 8785 writes it, and half of a pair is refused", () => {
  const [record] = fc.sample(records, 1);
  if (record === undefined) throw new Error("no sample");
  const isWrong = (unit: number) => {
    const path = String.fromCharCode(unit);
    const written = () => canonicalDecision(record, { ...record, path });
    return path.isWellFormed() ? !written().includes(`,"path":${canonicalJson(path)},"p`) : !isRefused(written);
  };
  expect(Array.from({ length: 0x1_0000 }, (_, unit) => unit).filter(isWrong)).toEqual([]);
});

function isRefused(written: () => string): boolean {
  try {
    written();
    return false;
  } catch {
    return true;
  }
}

test.each<[string, Partial<LoggedDecision>]>([
  ["half a surrogate pair", { path: "/\ud800" }],
  ["half a surrogate pair in a name", { subject: { issuer: "i", id: "\udc00", actors: [] } }],
  ["half a surrogate pair in an actor", { subject: { issuer: "i", id: "i", actors: [{ issuer: "\ud800x", id: "" }] } }],
  ["half a surrogate pair in a list", { reasons: ["a", "\udc00\ud800"] }],
  ["half a surrogate pair in a host", { policy_asked: [{ host: "\ud800", duration_us: 1, outcome: "kept" }] }],
  ["a wait that is no number", { policy_asked: [{ host: "h", duration_us: Number.NaN, outcome: "kept" }] }],
  ["a time that is no number", { duration_us: Number.NaN }],
  ["a cost that is no number", { policy_fuel: Number.POSITIVE_INFINITY }],
])("%s has no canonical form and is refused, not written as something else", (_what, change) => {
  const [record] = fc.sample(records, 1);
  if (record === undefined) throw new Error("no sample");
  expect(() => canonicalDecision(record, { ...record, ...change })).toThrow();
});
