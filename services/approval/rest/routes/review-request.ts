/**
 * POST /v1/requests/{id}/reviews: one person's vote, with the digest of what they saw: approve, approve less, or deny with a reason. A caller who
 * may see the request but not review it is refused, and that is recorded.
 */
import { digest } from "../../../../core/domain/id.ts";
import type { ReviewOutcome } from "../../commands/ports.ts";
import { requestAnswer, sendAnswer, showWithGrant } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { ifMatch } from "../etag.ts";
import { keeping } from "../idempotency.ts";
import { problemAnswer, sendProblem } from "../problem.ts";
import { readNarrowing } from "../read.ts";
import type { AddRoute } from "../rest.ts";
import { RequestWithGrant } from "../schema/requests.ts";
import { ReviewBody } from "../schema/reviews.ts";
import { ChangeHeaders, IdParams } from "../schema/words.ts";
import { seenRequest } from "../seen.ts";

export const reviewRequest: AddRoute = (rest, service) => {
  rest.post(
    "/v1/requests/:id/reviews",
    {
      config: {
        problems: [
          "unknown_request",
          "not_human",
          "no_person",
          "is_requester",
          "not_eligible",
          "no_common_time",
          "stage_not_open",
          "policy_refused",
          "not_pending",
          "already_reviewed",
          "digest_mismatch",
          "precondition_failed",
          "reason_required",
          "widens",
          "not_bindable",
        ],
      },
      schema: {
        operationId: "reviewRequest",
        summary: "Approve, approve less, or deny.",
        tags: ["requests"],
        params: IdParams,
        headers: ChangeHeaders,
        body: ReviewBody,
        response: { 200: RequestWithGrant },
      },
    },
    async (request, reply) => {
      const matches = ifMatch(request);
      const caller = callerOf(request);
      const found = await seenRequest(service, caller, request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      const { vote, narrowing, comment } = request.body;
      const before = matches && (await service.reads.grantOfRequest(found.id));
      const answerOf = (outcome: ReviewOutcome) =>
        outcome.kind === "refused"
          ? problemAnswer(outcome.reason, request.id)
          : requestAnswer(200, outcome.request, outcome.grant);
      const outcome = await service.review({
        requestId: found.id,
        reviewer: caller.party.subject,
        vote,
        narrowing: readNarrowing(narrowing),
        comment,
        digest: digest(request.body.digest),
        unchanged: matches && ((now) => matches(showWithGrant(now, before))),
        // A refused vote is recorded, so it must not be made twice.
        settle: keeping(request, (decided) => (isOnRecord(decided) ? answerOf(decided) : undefined)),
      });
      return sendAnswer(reply, answerOf(outcome));
    },
  );
};

function isOnRecord(outcome: ReviewOutcome): boolean {
  return (
    outcome.kind === "reviewed" || (outcome.reason !== "unknown_request" && outcome.reason !== "precondition_failed")
  );
}
