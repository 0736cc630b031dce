/**
 * `approval.route` and `approval.may_review` behind the ports of the commands. A fault of routing is `failed` (the request ends, on record, and
 * the next one is processed); a fault of may_review refuses, since it can only refuse more. While no policy is active, or the active one has
 * ended, both reject with AppError `unavailable`: a denial waits, and whoever submits or reviews one is told to try again; nothing is on record.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { createMayReviewInput, createRouteInput } from "../../../core/policy/approval-input.ts";
import type { PolicyHost } from "../../../core/policy/policy-host.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Permission, Router } from "../ports.ts";

type ApprovalPolicyDeps = {
  readonly host: Pick<PolicyHost, "route" | "mayReview" | "revision">;
  /** Milliseconds since the epoch, for `time.now_ns` inside the policy. */
  readonly wallMs: () => number;
  readonly log: Log;
};

export function createApprovalPolicy({ host, wallMs, log }: ApprovalPolicyDeps): Router & Permission {
  const time = () => ({ nowNs: BigInt(wallMs()) * 1_000_000n });
  return {
    async route(request) {
      const routing = host.route(createRouteInput(request), time());
      if (routing.kind === "unavailable") throw new AppError("unavailable", `nobody can be asked: ${routing.detail}`);
      if (routing.kind === "failed") {
        log.error(
          { event: "routing_failed", detail: routing.detail },
          "approval.route failed, so the request ended as failed; see detail, correct route.rego and ask the requester to submit again",
        );
      }
      return { ...routing, revision: host.revision() };
    },
    async mayReview(request, reviewer) {
      const answer = host.mayReview(createMayReviewInput(request, reviewer), time());
      if (answer.kind === "unavailable") throw new AppError("unavailable", `nobody can review: ${answer.detail}`);
      if (answer.kind === "fault") {
        log.error(
          { event: "may_review_failed", detail: answer.detail },
          "approval.may_review failed, so the review was refused; see detail",
        );
      }
      return { kind: answer.kind === "allowed" ? "allowed" : "refused", revision: host.revision() };
    },
  };
}
