/** GET /v1/audit: what is on record, in order of arrival; security only. The audit topic has the same events and more. */
import { callerOf } from "../caller.ts";
import { readLimit } from "../page.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { AuditPage, AuditQuery } from "../schema/audit.ts";
import { showAuditPage } from "../show.ts";

export const readAudit: AddRoute = (rest, { listings }) => {
  rest.get(
    "/v1/audit",
    {
      config: { isList: true, problems: ["security_role_required"] },
      schema: {
        operationId: "readAudit",
        summary: "Sealed events, and decisions that touch a denial, request or grant (security only).",
        tags: ["audit"],
        querystring: AuditQuery,
        response: { 200: AuditPage },
      },
    },
    async (request, reply) => {
      if (!callerOf(request).isSecurity) return sendProblem(reply, "security_role_required");
      const after = BigInt(request.query.after ?? 0);
      return reply.send(showAuditPage(await listings.audit(after, readLimit(request.query)), after));
    },
  );
};
