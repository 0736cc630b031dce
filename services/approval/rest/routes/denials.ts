/** GET /v1/denials and /v1/denials/{id}: what one's own accounts were denied and can request. A TCP requester learns the id only here. */
import { callerOf } from "../caller.ts";
import { readPage } from "../page.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { DenialRef, DenialsQuery } from "../schema/denials.ts";
import { IdParams, PageOf } from "../schema/words.ts";
import { seenDenial } from "../seen.ts";
import { showDenial } from "../show.ts";

export const listDenials: AddRoute = (rest, { listings }) => {
  rest.get(
    "/v1/denials",
    {
      config: { isList: true },
      schema: {
        operationId: "listDenials",
        summary: "Your denials that can still be submitted, under whichever account.",
        tags: ["denials"],
        querystring: DenialsQuery,
        response: { 200: PageOf(DenialRef) },
      },
    },
    async (request, reply) => {
      const { subject, person } = callerOf(request).party;
      const owner = { issuer: subject.issuer, subject: subject.id, person };
      return reply.send(await readPage("denial", request.query, (page) => listings.denials(owner, page), showDenial));
    },
  );
};

export const getDenial: AddRoute = (rest, service) => {
  rest.get(
    "/v1/denials/:id",
    {
      config: { problems: ["unknown_denial"] },
      schema: {
        operationId: "getDenial",
        summary: "One denial: what was denied, and what it offers.",
        tags: ["denials"],
        params: IdParams,
        response: { 200: DenialRef },
      },
    },
    async (request, reply) => {
      const found = await seenDenial(service, callerOf(request), request.params.id);
      return found === undefined ? sendProblem(reply, "unknown_denial") : reply.send(showDenial(found));
    },
  );
};
