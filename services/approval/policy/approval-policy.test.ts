import { expect, test } from "@jest/globals";
import { durationMs } from "../../../core/domain/time.ts";
import type { Routing } from "../../../core/domain/routing.ts";
import { createLog } from "../../../platform/log/log.ts";
import type { RoutedRequest } from "../../../core/domain/access-request.ts";
import { createApprovalPolicy } from "./approval-policy.ts";

const request: RoutedRequest = {
  requester: { person: undefined, actorPersons: [], issuer: "https://a", subject: "dana", actors: [] },
  subject: { issuer: "https://a", id: "dana", groups: [], claims: {}, actors: [] },
  call: {
    protocol: "http",
    method: "DELETE",
    authority: "o",
    path: "/",
    maskedQuery: "",
    bodyBytes: 0,
    fieldHashes: {},
    sourceAddress: undefined,
  },
  offer: {
    elevation: {
      entitlement: "e",
      scope: "s",
      title: "t",
      display: [],
      approversHint: undefined,
      risk: "low",
      binding: "scope",
      bindHeaders: [],
      maxUses: 1,
      maxDuration: durationMs(60_000),
      justification: { required: false, minLength: 0 },
    },
    binding: { kind: "unbindable", reason: "body_not_bindable" },
  },
  justification: "",
  requested: { maxUses: 1, duration: durationMs(60_000), notBefore: undefined, binding: "scope" },
};
const policyThat = (route: Routing, mayReview: "allowed" | "refused" | "fault") =>
  createApprovalPolicy({
    host: {
      route: () => route,
      mayReview: () =>
        mayReview === "allowed"
          ? { kind: "allowed" }
          : mayReview === "fault"
            ? { kind: "fault", detail: "d" }
            : { kind: "refused", reasons: [] },
    },
    wallMs: () => 0,
    log: createLog({ name: "test", level: "silent" }),
  });
const party = { subject: request.subject, person: undefined, actorPersons: [], machine: false };

test("a fault of routing is failed, never a decision", async () => {
  const policy = policyThat({ kind: "failed", detail: "undefined" }, "allowed");
  expect(await policy.route(request)).toEqual({ kind: "failed", detail: "undefined" });
});

test("a fault of may_review refuses", async () => {
  const routed: Routing = { kind: "automatic", decision: "deny", reason: "frozen", limits: undefined };
  expect(await policyThat(routed, "fault").mayReview(request, party)).toBe("refused");
  expect(await policyThat(routed, "refused").mayReview(request, party)).toBe("refused");
  expect(await policyThat(routed, "allowed").mayReview(request, party)).toBe("allowed");
  expect(await policyThat(routed, "allowed").route(request)).toEqual(routed);
});
