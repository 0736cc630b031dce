/** GET /v1/requests: the caller's own, those that wait for the caller or that the caller may review, or (security) all; newest first. */
import { id } from "../../../../core/domain/id.ts";
import { callerOf } from "../caller.ts";
import { readPage } from "../page.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { RequestRef, RequestsQuery } from "../schema/requests.ts";
import { PageOf } from "../schema/words.ts";
import { own, reviewable } from "../seen.ts";
import { showRequest } from "../show.ts";

export const listRequests: AddRoute = (rest, { listings }) => {
  rest.get(
    "/v1/requests",
    {
      config: { isList: true, problems: ["security_role_required"] },
      schema: {
        operationId: "listRequests",
        summary: "Requests that you asked for, may review, or (security) all.",
        tags: ["requests"],
        querystring: RequestsQuery,
        response: { 200: PageOf(RequestRef) },
      },
    },
    async (request, reply) => {
      const { party, isSecurity } = callerOf(request);
      const { status, entitlement, denial_id: denialId, awaiting: wanted } = request.query;
      const awaiting = wanted === "me";
      const view = awaiting ? "reviewable" : (request.query.view ?? "mine");
      if (view === "all" && !isSecurity) return sendProblem(reply, "security_role_required");
      const visibility =
        view === "all" ? ({ kind: "everything" } as const) : view === "mine" ? own(party) : reviewable(party);
      if (visibility === undefined) return reply.send({ items: [], next: null });
      const filter = {
        ...{ visibility, awaiting, status, entitlement },
        denialId: denialId === undefined ? undefined : id("denial", denialId),
      };
      return reply.send(
        await readPage("request", request.query, (page) => listings.requests(filter, page), showRequest),
      );
    },
  );
};
