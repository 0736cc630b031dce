import { expect, test } from "@jest/globals";
import type { Routing } from "../../../core/domain/routing.ts";
import type { PolicyHost } from "../../../core/policy/policy-host.ts";
import { createLog } from "../../../platform/log/log.ts";
import type { RoutedRequest } from "../../../core/domain/access-request.ts";
import { createApprovalPolicy } from "./approval-policy.ts";
import { DENIAL, PENDING } from "../../../test/samples/domain.ts";

const request: RoutedRequest = { ...PENDING, subject: DENIAL.subject };
const policyThat = (
  route: ReturnType<PolicyHost["route"]>,
  mayReview: "allowed" | "refused" | "fault" | "unavailable",
) =>
  createApprovalPolicy({
    host: {
      revision: () => "sha256:2e0d",
      route: () => route,
      mayReview: () =>
        mayReview === "allowed"
          ? { kind: "allowed" }
          : mayReview === "refused"
            ? { kind: "refused", reasons: [] }
            : { kind: mayReview, detail: "d" },
    },
    wallMs: () => 0,
    log: createLog({ name: "test", level: "silent" }),
  });
const party = { subject: request.subject, person: undefined, actorPersons: [], machine: false };

test("a fault of routing is failed, never a decision", async () => {
  const policy = policyThat({ kind: "failed", detail: "undefined" }, "allowed");
  expect(await policy.route(request)).toEqual({ kind: "failed", detail: "undefined", revision: "sha256:2e0d" });
});

test("without a policy, or after its time, nothing is routed and nothing fails: it is asked again later", async () => {
  const policy = policyThat({ kind: "unavailable", detail: "no bundle is active" }, "allowed");
  await expect(policy.route(request)).rejects.toMatchObject({ code: "unavailable" });
});

test("without a policy, or after its time, nobody is refused a review: it is asked again later", async () => {
  const policy = policyThat({ kind: "unavailable", detail: "no bundle is active" }, "unavailable");
  await expect(policy.mayReview(request, party)).rejects.toMatchObject({ code: "unavailable" });
});

test("a fault of may_review refuses", async () => {
  const routed: Routing = { kind: "automatic", decision: "deny", reason: "frozen", limits: undefined };
  const revision = "sha256:2e0d";
  const asked = (answer: "fault" | "refused" | "allowed") => policyThat(routed, answer).mayReview(request, party);
  expect(await asked("fault")).toEqual({ kind: "refused", revision });
  expect(await asked("refused")).toEqual({ kind: "refused", revision });
  expect(await asked("allowed")).toEqual({ kind: "allowed", revision });
  expect(await policyThat(routed, "allowed").route(request)).toEqual({ ...routed, revision });
});
