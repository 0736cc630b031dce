/** POST /v1/quarantine/{id}/dismiss: closes a quarantined record for good; security only. */
import { id } from "../../../../core/domain/id.ts";
import type { DismissOutcome } from "../../commands/ports.ts";
import type { Quarantined } from "../../intake/ports.ts";
import { type Answer, jsonAnswer, sendAnswer } from "../answer.ts";
import { callerOf, whyNotSecurity } from "../caller.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import { readWords } from "../read.ts";
import type { AddRoute } from "../rest.ts";
import { DismissBody, QuarantinedRef } from "../schema/quarantine.ts";
import { IdParams, WriteHeaders } from "../schema/words.ts";
import { showQuarantined } from "../show.ts";

export const dismissRecord: AddRoute = (rest, { dismiss }) => {
  rest.post(
    "/v1/quarantine/:id/dismiss",
    {
      config: { problems: ["security_role_required", "security_in_person", "unknown_record", "already_taken"] },
      schema: {
        operationId: "dismissRecord",
        summary:
          "Say that nothing will come of a record that was set aside. It is kept for 30 days more (security only).",
        tags: ["quarantine"],
        params: IdParams,
        headers: WriteHeaders,
        body: DismissBody,
        response: { 200: QuarantinedRef },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const whyNot = whyNotSecurity(caller);
      if (whyNot !== undefined) return sendProblem(reply, whyNot);
      const outcome = await dismiss({
        quarantineId: id("quarantine", request.params.id),
        by: caller.party.subject,
        reason: readWords(request.body.reason, "/reason"),
        settle: keeping(request, (ended: DismissOutcome) =>
          ended.kind === "dismissed" ? answerOf(ended.record) : undefined,
        ),
      });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      return sendAnswer(reply, answerOf(outcome.record));
    },
  );
};

function answerOf(record: Quarantined): Answer {
  return jsonAnswer(200, showQuarantined({ ...record, bytes: record.record.value?.length }));
}
