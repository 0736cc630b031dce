/** POST /v1/requests/{id}/cancel: the requester takes a pending request back. */
import type { CancelOutcome } from "../../commands/ports.ts";
import { requestAnswer, sendAnswer, showWithGrant } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { ifMatch } from "../etag.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { RequestWithGrant } from "../schema/requests.ts";
import { ChangeHeaders, IdParams, ReasonBody } from "../schema/words.ts";
import { seenRequest } from "../seen.ts";

export const cancelRequest: AddRoute = (rest, service) => {
  rest.post(
    "/v1/requests/:id/cancel",
    {
      config: { problems: ["unknown_request", "not_requester", "not_pending", "precondition_failed"] },
      schema: {
        operationId: "cancelRequest",
        summary: "Take your own pending request back.",
        tags: ["requests"],
        params: IdParams,
        headers: ChangeHeaders,
        body: ReasonBody,
        response: { 200: RequestWithGrant },
      },
    },
    async (request, reply) => {
      const matches = ifMatch(request);
      const caller = callerOf(request);
      const found = await seenRequest(service, caller, request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      const grant = matches && (await service.reads.grantOfRequest(found.id));
      const answerOf = (outcome: CancelOutcome) =>
        outcome.kind === "cancelled" ? requestAnswer(200, outcome.request, undefined) : undefined;
      const outcome = await service.cancel({
        requestId: found.id,
        by: caller.party.subject,
        reason: request.body.reason,
        unchanged: matches && ((now) => matches(showWithGrant(now, grant))),
        settle: keeping(request, answerOf),
      });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      return sendAnswer(reply, requestAnswer(200, outcome.request, undefined));
    },
  );
};
