/** POST /v1/requests: the requester submits a denial, with a reason. 201 makes one, 200 is the open one with the same key. */
import { id } from "../../../../core/domain/id.ts";
import type { SubmitOutcome } from "../../commands/ports.ts";
import { requestAnswer, sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import { readAsked } from "../read.ts";
import type { AddRoute } from "../rest.ts";
import { RequestWithGrant, SubmitBody } from "../schema/requests.ts";
import { WriteHeaders } from "../schema/words.ts";

export const submitRequest: AddRoute = (rest, { submit, reads }) => {
  rest.post(
    "/v1/requests",
    {
      config: {
        problems: [
          "unknown_denial",
          "no_person",
          "already_granted",
          "expired_denial",
          "unknown_elevation",
          "justification_required",
          "exceeds_offer",
        ],
      },
      schema: {
        operationId: "submitRequest",
        summary: "Submit a denial: ask for the action that needs approval.",
        tags: ["requests"],
        headers: WriteHeaders,
        body: SubmitBody,
        response: { 200: RequestWithGrant, 201: RequestWithGrant },
      },
    },
    async (request, reply) => {
      const { party } = callerOf(request);
      const outcome = await submit({
        denialId: id("denial", request.body.denial_id),
        by: party.subject,
        asked: readAsked(request.body),
        automatic: false,
        settle: keeping(request, (made: SubmitOutcome) =>
          made.kind === "submitted" ? requestAnswer(201, made.request, made.grant) : undefined,
        ),
      });
      switch (outcome.kind) {
        case "refused":
          return sendProblem(reply, outcome.reason);
        case "already_granted":
          return sendProblem(reply, "already_granted", { grant_id: outcome.grant.id });
        case "exists": {
          const grant = await reads.grantOfRequest(outcome.request.id);
          return sendAnswer(reply, requestAnswer(200, outcome.request, grant));
        }
        case "submitted":
          return sendAnswer(reply, requestAnswer(201, outcome.request, outcome.grant));
      }
    },
  );
};
