/** POST /v1/requests/{id}/cancel: the requester takes a pending request back. */
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { IdParams, ProblemRef, ReasonBody, RequestWithGrant } from "../schema.ts";
import { seenRequest } from "../seen.ts";
import { showRequest } from "../show.ts";

export const cancelRequest: AddRoute = (rest, service) => {
  rest.post(
    "/v1/requests/:id/cancel",
    {
      schema: {
        operationId: "cancelRequest",
        summary: "Take your own pending request back.",
        tags: ["requests"],
        params: IdParams,
        body: ReasonBody,
        response: { 200: RequestWithGrant, 403: ProblemRef, 404: ProblemRef, 409: ProblemRef },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const found = await seenRequest(service, caller, request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      const { reason } = request.body;
      const outcome = await service.cancel({ requestId: found.id, by: caller.party.subject, reason });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      return reply.send({ request: showRequest(outcome.request), grant: null });
    },
  );
};
