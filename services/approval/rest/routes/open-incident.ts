/** POST /v1/incidents: security opens an incident; policies see it within a second. */
import type { OpenOutcome } from "../../commands/ports.ts";
import { incidentAnswer, sendAnswer } from "../answer.ts";
import { callerOf, whyNotSecurity } from "../caller.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import { readWords } from "../read.ts";
import type { AddRoute } from "../rest.ts";
import { IncidentRef, OpenIncidentBody } from "../schema/incidents.ts";
import { WriteHeaders } from "../schema/words.ts";

export const openIncident: AddRoute = (rest, service) => {
  rest.post(
    "/v1/incidents",
    {
      config: { problems: ["security_role_required", "security_in_person", "too_many_incidents"] },
      schema: {
        operationId: "openIncident",
        summary: "Open an incident: from now on it is part of what policies know (security only).",
        tags: ["incidents"],
        headers: WriteHeaders,
        body: OpenIncidentBody,
        response: { 201: IncidentRef },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const whyNot = whyNotSecurity(caller);
      if (whyNot !== undefined) return sendProblem(reply, whyNot);
      const { severity, scope } = request.body;
      const title = readWords(request.body.title, "/title");
      const outcome = await service.openIncident({
        ...{ severity, scope, title },
        by: caller.party.subject,
        settle: keeping(request, (made: OpenOutcome) =>
          made.kind === "opened" ? incidentAnswer(201, made.incident) : undefined,
        ),
      });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      return sendAnswer(reply, incidentAnswer(201, outcome.incident));
    },
  );
};
