/** POST /v1/grants/{id}/revoke: by the requester, whoever may review the request, or security. */
import { id } from "../../../../core/domain/id.ts";
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { GrantRef, IdParams, ProblemRef, ReasonBody } from "../schema.ts";
import { showGrant } from "../show.ts";

export const revokeGrant: AddRoute = (rest, { revoke }) => {
  rest.post(
    "/v1/grants/:id/revoke",
    {
      schema: {
        operationId: "revokeGrant",
        summary: "End a grant now. No decision service allows by it seven seconds later, normally within one.",
        tags: ["grants"],
        params: IdParams,
        body: ReasonBody,
        response: { 200: GrantRef, 404: ProblemRef, 409: ProblemRef },
      },
    },
    async (request, reply) => {
      const { party, isSecurity } = callerOf(request);
      const outcome = await revoke({
        grantId: id("grant", request.params.id),
        by: party.subject,
        asSecurity: isSecurity,
        reason: request.body.reason,
      });
      if (outcome.kind === "revoked") return reply.send(showGrant(outcome.grant));
      // NB: that it exists is told only to those who may revoke it.
      return sendProblem(reply, outcome.reason === "not_allowed" ? "unknown_grant" : outcome.reason);
    },
  );
};
