/** GET /v1/requests/{id}: everything that a reviewer decides on, its digest, and the grant once there is one. */
import { requestAnswer, sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { RequestWithGrant } from "../schema/requests.ts";
import { IdParams } from "../schema/words.ts";
import { seenRequest } from "../seen.ts";

export const getRequest: AddRoute = (rest, service) => {
  rest.get(
    "/v1/requests/:id",
    {
      config: { problems: ["unknown_request"] },
      schema: {
        operationId: "getRequest",
        summary: "One request, as its reviewers see it.",
        tags: ["requests"],
        params: IdParams,
        response: { 200: RequestWithGrant },
      },
    },
    async (request, reply) => {
      const found = await seenRequest(service, callerOf(request), request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      return sendAnswer(reply, requestAnswer(200, found, await service.reads.grantOfRequest(found.id)));
    },
  );
};
