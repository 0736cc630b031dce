/** POST /v1/incidents/{id}/close: security closes an incident; nobody can reopen it. */
import { id } from "../../../../core/domain/id.ts";
import type { CloseOutcome } from "../../commands/ports.ts";
import { incidentAnswer, sendAnswer } from "../answer.ts";
import { callerOf, whyNotSecurity } from "../caller.ts";
import { ifMatch } from "../etag.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { IncidentRef } from "../schema/incidents.ts";
import { ChangeHeaders, IdParams, ReasonBody } from "../schema/words.ts";
import { showIncident } from "../show.ts";

export const closeIncident: AddRoute = (rest, service) => {
  rest.post(
    "/v1/incidents/:id/close",
    {
      config: {
        problems: [
          "security_role_required",
          "security_in_person",
          "unknown_incident",
          "already_closed",
          "precondition_failed",
        ],
      },
      schema: {
        operationId: "closeIncident",
        summary: "Close an incident (security only).",
        tags: ["incidents"],
        params: IdParams,
        headers: ChangeHeaders,
        body: ReasonBody,
        response: { 200: IncidentRef },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const whyNot = whyNotSecurity(caller);
      if (whyNot !== undefined) return sendProblem(reply, whyNot);
      const matches = ifMatch(request);
      const outcome = await service.closeIncident({
        incidentId: id("incident", request.params.id),
        by: caller.party.subject,
        reason: request.body.reason,
        unchanged: matches && ((now) => matches(showIncident(now))),
        settle: keeping(request, (ended: CloseOutcome) =>
          ended.kind === "closed" ? incidentAnswer(200, ended.incident) : undefined,
        ),
      });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      return sendAnswer(reply, incidentAnswer(200, outcome.incident));
    },
  );
};
