/** GET /v1/quarantine and /v1/quarantine/{id}: records of our topics that could not be understood or trusted; security only. */
import { createHash } from "node:crypto";
import { id } from "../../../../core/domain/id.ts";
import { shownPayload } from "../../../../core/messages/envelope.ts";
import { maskedPayload } from "../../../../core/messages/masked-payload.ts";
import { callerOf } from "../caller.ts";
import { readPage } from "../page.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { QuarantinedRef, QuarantinedWithPayload, QuarantineQuery } from "../schema/quarantine.ts";
import { IdParams, PageOf } from "../schema/words.ts";
import { showQuarantined } from "../show.ts";

export const listQuarantine: AddRoute = (rest, { listings }) => {
  rest.get(
    "/v1/quarantine",
    {
      config: { isList: true, problems: ["security_role_required"] },
      schema: {
        operationId: "listQuarantine",
        summary: "Records that were set aside, newest first (security only).",
        tags: ["quarantine"],
        querystring: QuarantineQuery,
        response: { 200: PageOf(QuarantinedRef) },
      },
    },
    async (request, reply) => {
      if (!callerOf(request).isSecurity) return sendProblem(reply, "security_role_required");
      const { state = "open", topic } = request.query;
      const list = (page: Parameters<typeof listings.quarantine>[1]) => listings.quarantine({ state, topic }, page);
      return reply.send(await readPage("quarantine", request.query, list, showQuarantined));
    },
  );
};

export const getQuarantined: AddRoute = (rest, { reads }) => {
  rest.get(
    "/v1/quarantine/:id",
    {
      config: { problems: ["security_role_required", "unknown_record"] },
      schema: {
        operationId: "getQuarantined",
        summary: "One record that was set aside, its payload masked (security only).",
        tags: ["quarantine"],
        params: IdParams,
        response: { 200: QuarantinedWithPayload },
      },
    },
    async (request, reply) => {
      if (!callerOf(request).isSecurity) return sendProblem(reply, "security_role_required");
      const found = await reads.quarantined(id("quarantine", request.params.id));
      if (found === undefined) return sendProblem(reply, "unknown_record");
      const { value, headers } = found.record;
      return reply.send({
        record: showQuarantined({ ...found, bytes: value?.length }),
        payload: maskedPayload(value === null ? null : shownPayload(value, headers)),
        sha256: value === null ? null : createHash("sha256").update(value).digest("hex"),
      });
    },
  );
};
