/** POST /v1/quarantine/{id}/replay: reads a quarantined record again, as intake would; security only. */
import type { Static } from "typebox";
import { id } from "../../../../core/domain/id.ts";
import { jsonAnswer, sendAnswer } from "../answer.ts";
import { callerOf, whyNotSecurity } from "../caller.ts";
import { keepAfterwards } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { ReplayShown } from "../schema/quarantine.ts";
import { IdParams, WriteHeaders } from "../schema/words.ts";
import { showQuarantined } from "../show.ts";

export const replayRecord: AddRoute = (rest, service) => {
  rest.post(
    "/v1/quarantine/:id/replay",
    {
      config: { problems: ["security_role_required", "security_in_person", "unknown_record", "record_dismissed"] },
      schema: {
        operationId: "replayRecord",
        summary: "Read a record again that was set aside. Taken once, however often it is asked for (security only).",
        tags: ["quarantine"],
        params: IdParams,
        headers: WriteHeaders,
        response: { 200: ReplayShown },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const whyNot = whyNotSecurity(caller);
      if (whyNot !== undefined) return sendProblem(reply, whyNot);
      const outcome = await service.replay({
        quarantineId: id("quarantine", request.params.id),
        by: caller.party.subject,
      });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      const { record } = outcome;
      const shown: Static<typeof ReplayShown> = {
        outcome: outcome.kind === "taken" ? "taken" : "refused",
        reason: outcome.kind === "taken" ? null : outcome.reason,
        detail: outcome.kind === "taken" ? null : outcome.detail,
        record: showQuarantined({ ...record, bytes: record.record.value?.length }),
      };
      const answer = jsonAnswer(200, shown);
      // NB: after the effect, not with it: it is the reader's transaction. A repeat that finds no answer finds the record taken.
      await keepAfterwards(service, request, answer);
      return sendAnswer(reply, answer);
    },
  );
};
