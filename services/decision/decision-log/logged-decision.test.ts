import { expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { instant } from "../../../core/domain/time.ts";
import type { LogEntry } from "../ports.ts";
import { loggedDecision } from "./logged-decision.ts";
import { CONNECTION } from "../../../test/samples/evaluation.ts";

const entry: LogEntry = {
  decision: deny("no_rule_matched"),
  ...{ subject: undefined, policyRevision: "r1", sourceAddress: "192.0.2.7", mode: "enforce", durationUs: 12 },
  time: instant(1_795_478_400_000),
  evaluation: CONNECTION,
};

test("the country that a policy was told of is on record, and no member of that name where none was known", () => {
  expect(loggedDecision(entry)).not.toHaveProperty("country");
  expect(loggedDecision({ ...entry, country: "DE" })).toMatchObject({ source_address: "192.0.2.7", country: "DE" });
});

test("a built-in that failed is on record with its name and the rule that called it", () => {
  const decision = deny("policy_error", ["time.parse_rfc3339_ns in countersign.hidden"]);
  expect(loggedDecision({ ...entry, decision })).toMatchObject({
    ...{ outcome: "deny", reason: "policy_error", policy_revision: "r1" },
    reasons: ["time.parse_rfc3339_ns in countersign.hidden"],
  });
});
