/** GET /access/v1/requests/{id} and POST …/{id}/cancel (Access Request profile, draft 1): a task for those with a stake in it; only the requester takes it back. */
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { CancelOutcome } from "../../commands/ports.ts";
import { PATH, PROFILE } from "../access-requests/profile.ts";
import { taskAnswer, taskEnd } from "../access-requests/task.ts";
import { sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { FreeText, IdParams, WriteHeaders } from "../schema/words.ts";
import { seenRequest } from "../seen.ts";

/** Both are for the record; neither has to be there, nor a body. */
const CancelBody = Type.Object({ reason: Type.Optional(FreeText), comment: Type.Optional(FreeText) });
const cancelBody = Compile(CancelBody);

export const accessRequestTask: AddRoute = (rest, service) => {
  const { accessRequests, reads } = service;
  if (accessRequests === undefined) return;
  const { endpoint } = accessRequests;

  rest.get(
    `${PATH}/:id`,
    { config: PROFILE.config, schema: { ...PROFILE.hidden, operationId: "getAccessRequest", params: IdParams } },
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
      config: PROFILE.config,
      schema: { ...PROFILE.hidden, operationId: "cancelAccessRequest", params: IdParams, headers: WriteHeaders },
    },
    async (request, reply) => {
      const body = request.body ?? {};
      if (!isCancelBody(body)) return sendProblem(reply, "invalid_request");
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

function isCancelBody(body: unknown): body is Static<typeof CancelBody> {
  return cancelBody.Check(body);
}
