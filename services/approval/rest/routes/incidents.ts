/** GET /v1/incidents and /v1/incidents/{id}: open incidents, and past ones; security only. */
import { id } from "../../../../core/domain/id.ts";
import { incidentAnswer, sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { readPage } from "../page.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { IncidentRef, IncidentsQuery } from "../schema/incidents.ts";
import { IdParams, PageOf } from "../schema/words.ts";
import { showIncident } from "../show.ts";

export const listIncidents: AddRoute = (rest, { listings }) => {
  rest.get(
    "/v1/incidents",
    {
      config: { isList: true, problems: ["security_role_required"] },
      schema: {
        operationId: "listIncidents",
        summary: "Incidents, newest first (security only).",
        tags: ["incidents"],
        querystring: IncidentsQuery,
        response: { 200: PageOf(IncidentRef) },
      },
    },
    async (request, reply) => {
      if (!callerOf(request).isSecurity) return sendProblem(reply, "security_role_required");
      const { state = "open" } = request.query;
      const list = (page: Parameters<typeof listings.incidents>[1]) => listings.incidents({ state }, page);
      return reply.send(await readPage("incident", request.query, list, showIncident));
    },
  );
};

export const getIncident: AddRoute = (rest, { reads }) => {
  rest.get(
    "/v1/incidents/:id",
    {
      config: { problems: ["security_role_required", "unknown_incident"] },
      schema: {
        operationId: "getIncident",
        summary: "One incident (security only).",
        tags: ["incidents"],
        params: IdParams,
        response: { 200: IncidentRef },
      },
    },
    async (request, reply) => {
      if (!callerOf(request).isSecurity) return sendProblem(reply, "security_role_required");
      const found = await reads.incident(id("incident", request.params.id));
      return found === undefined
        ? sendProblem(reply, "unknown_incident")
        : sendAnswer(reply, incidentAnswer(200, found));
    },
  );
};
