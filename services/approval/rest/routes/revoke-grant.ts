/** POST /v1/grants/{id}/revoke: by the requester, whoever may review the request, or security. */
import { id } from "../../../../core/domain/id.ts";
import type { RevokeOutcome } from "../../commands/ports.ts";
import { grantAnswer, sendAnswer } from "../answer.ts";
import { callerOf, whyNotSecurity } from "../caller.ts";
import { ifMatch } from "../etag.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { GrantRef } from "../schema/grants.ts";
import { ChangeHeaders, IdParams, ReasonBody } from "../schema/words.ts";
import { showGrant } from "../show.ts";

export const revokeGrant: AddRoute = (rest, { revoke }) => {
  rest.post(
    "/v1/grants/:id/revoke",
    {
      config: { problems: ["security_in_person", "unknown_grant", "already_final", "precondition_failed"] },
      schema: {
        operationId: "revokeGrant",
        summary: "End a grant now. No decision service allows by it seven seconds later, normally within one.",
        tags: ["grants"],
        params: IdParams,
        headers: ChangeHeaders,
        body: ReasonBody,
        response: { 200: GrantRef },
      },
    },
    async (request, reply) => {
      const matches = ifMatch(request);
      const caller = callerOf(request);
      const outcome = await revoke({
        grantId: id("grant", request.params.id),
        by: caller.party.subject,
        asSecurity: whyNotSecurity(caller) === undefined,
        reason: request.body.reason,
        unchanged: matches && ((now) => matches(showGrant(now))),
        settle: keeping(request, (ended: RevokeOutcome) =>
          ended.kind === "revoked" ? grantAnswer(ended.grant) : undefined,
        ),
      });
      if (outcome.kind === "revoked") return sendAnswer(reply, grantAnswer(outcome.grant));
      if (outcome.reason !== "not_allowed") return sendProblem(reply, outcome.reason);
      // NB: only those who may see it learn that it exists.
      return sendProblem(reply, caller.isSecurity ? "security_in_person" : "unknown_grant");
    },
  );
};
