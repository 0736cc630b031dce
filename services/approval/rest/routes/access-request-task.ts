/**
 * GET /access/v1/requests/{id} and POST …/{id}/cancel (Access Request profile, draft 1): a task for those with a stake in it; only the requester
 * can cancel it.
 */
import { Type } from "typebox";
import type { CancelOutcome } from "../../commands/ports.ts";
import { PATH, PROFILE } from "../access-requests/profile.ts";
import { TaskShown } from "../access-requests/shown.ts";
import { taskAnswer, taskEnd } from "../access-requests/task.ts";
import { sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { FreeText, IdParams, WriteHeaders } from "../schema/words.ts";
import { seenRequest } from "../seen.ts";

/** Both are for the record; neither has to be there, nor a body. */
const CancelBody = Type.Object(
  { reason: Type.Optional(FreeText), comment: Type.Optional(FreeText) },
  { additionalProperties: true, examples: [{ comment: "The order is shipped already." }] },
);

export const accessRequestTask: AddRoute = (rest, service) => {
  const { accessRequests, reads } = service;
  if (accessRequests === undefined) return;
  const { endpoint } = accessRequests;

  rest.get(
    `${PATH}/:id`,
    {
      config: { ...PROFILE.config, problems: ["unknown_request", "task_expired"] },
      schema: {
        operationId: "getAccessRequest",
        summary: "One request as a task of the profile, for those with a stake in it.",
        tags: PROFILE.tags,
        params: IdParams,
        response: { 200: TaskShown },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const found = await seenRequest(service, caller, request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      const grant = await reads.grantOfRequest(found.id);
      if ((await reads.now()) >= taskEnd(found, grant)) return sendProblem(reply, "task_expired");
      return sendAnswer(reply, taskAnswer(200, found, grant, { endpoint, by: caller.party }));
    },
  );

  rest.post(
    `${PATH}/:id/cancel`,
    {
      config: { ...PROFILE.config, problems: ["unknown_request", "not_requester", "not_pending"], bodyOptional: true },
      schema: {
        operationId: "cancelAccessRequest",
        summary: "Take your own pending request back, in the words of the profile.",
        tags: PROFILE.tags,
        params: IdParams,
        headers: WriteHeaders,
        body: CancelBody,
        response: { 200: TaskShown },
      },
      preValidation: async (request) => {
        request.body ??= {};
      },
    },
    async (request, reply) => {
      const { body } = request;
      const caller = callerOf(request);
      const found = await seenRequest(service, caller, request.params.id);
      if (found === undefined) return sendProblem(reply, "unknown_request");
      const view = { endpoint, by: caller.party };
      const outcome = await service.cancel({
        requestId: found.id,
        by: caller.party.subject,
        reason: body.comment ?? body.reason,
        settle: keeping(request, (made: CancelOutcome) =>
          made.kind === "cancelled" ? taskAnswer(200, made.request, undefined, view) : undefined,
        ),
      });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      return sendAnswer(reply, taskAnswer(200, outcome.request, undefined, view));
    },
  );
};
