import { expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { instant } from "../../../core/domain/time.ts";
import type { LogEntry } from "../ports.ts";
import { canonicalRecord } from "../../../core/messages/canonical-decision.ts";
import { BY_API, CONNECTION, evaluationOf } from "../../../test/samples/evaluation.ts";
import { loggedDecision } from "./logged-decision.ts";
import { MAX_LINE_BYTES } from "./spool-files.ts";

const entry: LogEntry = {
  decision: deny("no_rule_matched"),
  ...{ subject: undefined, policyRevision: "r1", sourceAddress: "192.0.2.7", mode: "enforce", durationUs: 12 },
  time: instant(1_795_478_400_000),
  evaluation: CONNECTION,
};
const LINK = { v: 1, log: "pdp/a/b", index: 1, prev: "0".repeat(64) } as const;

/** As it is read again. */
const recorded = (one: LogEntry): unknown => JSON.parse(canonicalRecord(LINK, loggedDecision(one)));

test("the country that a policy was told of is on record, and no member of that name where none was known", () => {
  expect(recorded(entry)).not.toHaveProperty("country");
  expect(recorded({ ...entry, country: "DE" })).toMatchObject({ source_address: "192.0.2.7", country: "DE" });
});

test("the API client that asked is on record beside the account that it stated, and no member of that name where there was none", () => {
  expect(recorded(entry)).not.toHaveProperty("client");
  const subject = { issuer: "i", id: "dana", groups: [], claims: {}, actors: [] };
  expect(recorded({ ...entry, subject, evaluation: { ...BY_API, client: "gateway" } })).toMatchObject({
    ...{ client: "gateway", subject: { issuer: "i", id: "dana" } },
  });
});

test("an account is on record with its actors each time, and another of the same name with its own", () => {
  const dana = (...ids: readonly string[]) => ({
    ...{ issuer: "i", id: "dana", groups: [], claims: {} },
    actors: ids.map((id) => ({ issuer: "j", id })),
  });
  const one = dana("bot");
  for (const subject of [one, dana(), one, dana("max", "bot")]) {
    const { issuer, id, actors } = subject;
    expect(recorded({ ...entry, subject })).toMatchObject({ subject: { issuer, id, actors } });
  }
});

test("whom a policy asked is on record, and no member of that name where nobody was", () => {
  expect(recorded(entry)).not.toHaveProperty("policy_asked");
  const asked = [{ host: "api.example:8443", durationMs: 1.2345, outcome: "answered" }] as const;
  expect(recorded({ ...entry, asked: [] })).not.toHaveProperty("policy_asked");
  expect(recorded({ ...entry, asked })).toMatchObject({
    policy_asked: [{ host: "api.example:8443", duration_us: 1_235, outcome: "answered" }],
  });
});

test("a built-in that failed is on record with its name and the rule that called it", () => {
  const decision = deny("policy_error", ["time.parse_rfc3339_ns in countersign.hidden"]);
  expect(recorded({ ...entry, decision })).toMatchObject({
    ...{ outcome: "deny", reason: "policy_error", policy_revision: "r1" },
    reasons: ["time.parse_rfc3339_ns in countersign.hidden"],
  });
});

test.each([
  ["characters that JSON writes as six bytes", "\u0001"],
  ["quotes", '"'],
  ["halves of characters", "\ud800"],
  ["characters of three bytes", "\u20ac"],
  ["plain letters", "a"],
])("a record fits into a batch also when every text from outside is long and made of %s", (_, unit) => {
  const text = unit.repeat(60_000);
  const who = { issuer: text, id: text };
  const record = loggedDecision({
    ...entry,
    decision: deny(
      "policy_denied",
      Array.from({ length: 256 }, () => text),
    ),
    subject: { ...who, groups: [], claims: {}, actors: Array.from({ length: 8 }, () => who) },
    sourceAddress: text,
    traceparent: text,
    asked: Array.from({ length: 32 }, () => ({ host: text, durationMs: 1e9, outcome: "unanswered" })),
    evaluation: evaluationOf({ http: { method: text, authority: text, path: text, query: text } }),
  });
  expect(Buffer.byteLength(canonicalRecord(LINK, record))).toBeLessThan(MAX_LINE_BYTES);
});

test("a text that is not too long for the log stands in it whole, and a longer one with a mark at its end", () => {
  const path = (text: string) => loggedDecision({ ...entry, evaluation: evaluationOf({ http: { path: text } }) }).path;
  expect(path("a".repeat(4_096))).toBe("a".repeat(4_096));
  expect(path("a".repeat(4_097))).toBe(`${"a".repeat(4_096)}…`);
  expect(path("\u0001".repeat(683))).toBe(`${"\u0001".repeat(682)}…`);
});
