/** GET /v1/grants and /v1/grants/{id}: what was granted, how much of it is used, and how it ended. */
import { grantAnswer, sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { readPage } from "../page.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { GrantRef, GrantsQuery } from "../schema/grants.ts";
import { IdParams, PageOf } from "../schema/words.ts";
import { own, seenGrant, staked } from "../seen.ts";
import { showGrant } from "../show.ts";

export const listGrants: AddRoute = (rest, { listings }) => {
  rest.get(
    "/v1/grants",
    {
      config: { isList: true, problems: ["security_role_required"] },
      schema: {
        operationId: "listGrants",
        summary: "Your grants, those that you may revoke, or (security) all.",
        tags: ["grants"],
        querystring: GrantsQuery,
        response: { 200: PageOf(GrantRef) },
      },
    },
    async (request, reply) => {
      const { party, isSecurity } = callerOf(request);
      const { state, entitlement, view } = request.query;
      if (view === "all" && !isSecurity) return sendProblem(reply, "security_role_required");
      const visibility =
        view === "all" ? ({ kind: "everything" } as const) : view === "reviewable" ? staked(party) : own(party);
      const filter = { visibility, state, entitlement };
      return reply.send(await readPage("grant", request.query, (page) => listings.grants(filter, page), showGrant));
    },
  );
};

export const getGrant: AddRoute = (rest, service) => {
  rest.get(
    "/v1/grants/:id",
    {
      config: { problems: ["unknown_grant"] },
      schema: {
        operationId: "getGrant",
        summary: "One grant.",
        tags: ["grants"],
        params: IdParams,
        response: { 200: GrantRef },
      },
    },
    async (request, reply) => {
      const found = await seenGrant(service, callerOf(request), request.params.id);
      return found === undefined ? sendProblem(reply, "unknown_grant") : sendAnswer(reply, grantAnswer(found));
    },
  );
};
