/**
 * POST /v1/requests/{id}/reviews: one person's vote, with the digest of what they saw. Approve, approve less, or deny with a
 * reason. Who may see the request and may not review it is refused, and that is on record.
 */
import { digest } from "../../../../core/domain/id.ts";
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import { readNarrowing } from "../read.ts";
import type { AddRoute } from "../rest.ts";
import { IdParams, ProblemRef, RequestWithGrant, ReviewBody } from "../schema.ts";
import { seenRequest } from "../seen.ts";
import { showGrant, showRequest } from "../show.ts";

export const reviewRequest: AddRoute = (rest, service) => {
  rest.post(
    "/v1/requests/:id/reviews",
    {
      schema: {
        operationId: "reviewRequest",
        summary: "Approve, approve less, or deny.",
        tags: ["requests"],
        params: IdParams,
        body: ReviewBody,
        response: { 200: RequestWithGrant, 403: ProblemRef, 404: ProblemRef, 409: ProblemRef, 422: ProblemRef },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const found = await seenRequest(service, caller, request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      const { vote, narrowing, comment } = request.body;
      const outcome = await service.review({
        requestId: found.id,
        reviewer: caller.party.subject,
        vote,
        narrowing: readNarrowing(narrowing),
        comment,
        digest: digest(request.body.digest),
      });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      return reply.send({
        request: showRequest(outcome.request),
        grant: outcome.grant === undefined ? null : showGrant(outcome.grant),
      });
    },
  );
};
