/** GET /v1/requests/{id}/approvers: who may approve, who must, and who has. */
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { Approvers } from "../schema/reviews.ts";
import { IdParams } from "../schema/words.ts";
import { seenRequest } from "../seen.ts";
import { showApprovers } from "../show.ts";

export const listApprovers: AddRoute = (rest, service) => {
  rest.get(
    "/v1/requests/:id/approvers",
    {
      config: { problems: ["unknown_request"] },
      schema: {
        operationId: "listApprovers",
        summary: "Who may approve a request, and who has.",
        tags: ["requests"],
        params: IdParams,
        response: { 200: Approvers },
      },
    },
    async (request, reply) => {
      const found = await seenRequest(service, callerOf(request), request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      return reply.send(showApprovers(found));
    },
  );
};
