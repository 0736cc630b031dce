/** GET /v1/requests/{id}: all that a reviewer decides on, its digest, and the grant once there is one. */
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { IdParams, ProblemRef, RequestWithGrant } from "../schema.ts";
import { seenRequest } from "../seen.ts";
import { showGrant, showRequest } from "../show.ts";

export const getRequest: AddRoute = (rest, service) => {
  rest.get(
    "/v1/requests/:id",
    {
      schema: {
        operationId: "getRequest",
        summary: "One request, as its reviewers see it.",
        tags: ["requests"],
        params: IdParams,
        response: { 200: RequestWithGrant, 404: ProblemRef },
      },
    },
    async (request, reply) => {
      const found = await seenRequest(service, callerOf(request), request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      const grant = await service.reads.grantOfRequest(found.id);
      return reply.send({ request: showRequest(found), grant: grant === undefined ? null : showGrant(grant) });
    },
  );
};
