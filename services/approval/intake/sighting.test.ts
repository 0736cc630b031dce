import { describe, expect, test } from "@jest/globals";
import { NO_PREVIOUS } from "../../../core/domain/log-chain.ts";
import type { LoggedDecision } from "../../../core/messages/decision-record.ts";
import { networkOf, sightingOf } from "./sighting.ts";

const time = "2026-11-24T23:59:59.000Z";
const log = "pdp/pdp-1/01930000-0000-7000-8000-0000000000aa";
const dana = { issuer: "i", id: "dana", actors: [] };

function decision(more: Partial<LoggedDecision> = {}): LoggedDecision {
  return {
    ...{ v: 1, log, index: 1, prev: NO_PREVIOUS, time, kind: "decision", decision_id: "d", outcome: "allow" },
    ...{ reason: null, reasons: [], subject: dana, method: "GET", authority: "a", path: "/", masked_query: "" },
    ...{ source_address: "192.0.2.7", policy_revision: null, entitlements: [], denial_id: null, grant_id: null },
    ...{ request_id: null, grant_reason: null, redeemed: false, mode: "enforce", duration_us: 1, traceparent: null },
    ...more,
  };
}

describe("what a decision says of somebody's habits", () => {
  const agent = { issuer: "i", id: "agent" };
  const refused: readonly (readonly [string, Partial<LoggedDecision>])[] = [
    ["was denied", { outcome: "deny" }],
    ["needs approval", { outcome: "needs_approval" }],
    ["was asked about and not enforced", { mode: "ask" }],
    ["was anonymous", { subject: null }],
    ["was made by an agent for somebody", { subject: { ...dana, actors: [agent] } }],
    ["bears a name that the log cut", { subject: { ...dana, id: `${"d".repeat(1_024)}…` } }],
  ];
  test.each(refused)("is nothing where a call %s", (_what, more) => {
    expect(sightingOf(decision(more))).toBeUndefined();
  });

  test("is nothing where a log opens or ends", () => {
    const link = { v: 1, log, index: 0, prev: NO_PREVIOUS, time } as const;
    expect(sightingOf({ ...link, kind: "log_opened", policy_revision: null })).toBeUndefined();
    expect(sightingOf({ ...link, kind: "log_closed", tail: "complete" })).toBeUndefined();
  });

  test("is account, hour of the day, network and country of a call that was allowed", () => {
    expect(sightingOf(decision({ country: "DE" }))).toEqual({
      ...{ issuer: "i", subject: "dana", hour: 23, network: "192.0.2.0/24", country: "DE", at: Date.parse(time) },
    });
    expect(sightingOf(decision({ source_address: null }))).toMatchObject({ hour: 23, network: "", country: "" });
  });
});

test.each([
  ["192.0.2.255", "192.0.2.0/24"],
  ["2001:db8:1:2:3::4", "2001:db8:1::/48"],
  ["2001:DB8:1:ffff::", "2001:db8:1::/48"],
  ["fe80::1%eth0", "fe80::/48"],
  ["::ffff:192.0.2.7", "192.0.2.0/24"],
  ["192.0.2", ""],
  ["0x7f000001", ""],
  ["/run/envoy.sock", ""],
  ["", ""],
])("the network of %j is %j", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
