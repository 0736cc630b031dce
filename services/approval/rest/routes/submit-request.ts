/** POST /v1/requests: the requester submits a denial, with a reason. 201 makes one, 200 is the open one with the same key. */
import { id } from "../../../../core/domain/id.ts";
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import { readAsked } from "../read.ts";
import type { AddRoute } from "../rest.ts";
import { ProblemRef, RequestWithGrant, SubmitBody } from "../schema.ts";
import { showGrant, showRequest } from "../show.ts";

export const submitRequest: AddRoute = (rest, { submit, reads }) => {
  rest.post(
    "/v1/requests",
    {
      schema: {
        operationId: "submitRequest",
        summary: "Submit a denial: ask for the action that needs approval.",
        tags: ["requests"],
        body: SubmitBody,
        response: {
          200: RequestWithGrant,
          201: RequestWithGrant,
          404: ProblemRef,
          409: ProblemRef,
          410: ProblemRef,
          422: ProblemRef,
        },
      },
    },
    async (request, reply) => {
      const { party } = callerOf(request);
      const outcome = await submit({
        denialId: id("denial", request.body.denial_id),
        by: party.subject,
        asked: readAsked(request.body),
        automatic: false,
      });
      switch (outcome.kind) {
        case "refused":
          return sendProblem(reply, outcome.reason);
        case "already_granted":
          return sendProblem(reply, "already_granted", { grant_id: outcome.grant.id });
        case "exists": {
          const grant = await reads.grantOfRequest(outcome.request.id);
          return reply
            .code(200)
            .header("location", `/v1/requests/${outcome.request.id}`)
            .send({ request: showRequest(outcome.request), grant: grant === undefined ? null : showGrant(grant) });
        }
        case "submitted":
          return reply
            .code(201)
            .header("location", `/v1/requests/${outcome.request.id}`)
            .send({
              request: showRequest(outcome.request),
              grant: outcome.grant === undefined ? null : showGrant(outcome.grant),
            });
      }
    },
  );
};
