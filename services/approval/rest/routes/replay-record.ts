/** POST /v1/quarantine/{id}/replay: a record that was set aside is read once more, as intake would; security only. */
import { id } from "../../../../core/domain/id.ts";
import { callerOf } from "../caller.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { IdParams, ProblemRef, ReplayShown } from "../schema.ts";
import { showQuarantined } from "../show.ts";

export const replayRecord: AddRoute = (rest, { replay }) => {
  rest.post(
    "/v1/quarantine/:id/replay",
    {
      schema: {
        operationId: "replayRecord",
        summary: "Read a record again that was set aside. Taken once, however often it is asked for (security only).",
        tags: ["quarantine"],
        params: IdParams,
        response: { 200: ReplayShown, 403: ProblemRef, 404: ProblemRef, 409: ProblemRef },
      },
    },
    async (request, reply) => {
      const { party, isSecurity } = callerOf(request);
      if (!isSecurity) return sendProblem(reply, "security_role_required");
      const outcome = await replay({ quarantineId: id("quarantine", request.params.id), by: party.subject });
      if (outcome.kind === "refused") return sendProblem(reply, outcome.reason);
      const { record } = outcome;
      return reply.send({
        outcome: outcome.kind === "taken" ? "taken" : "refused",
        reason: outcome.kind === "taken" ? null : outcome.reason,
        detail: outcome.kind === "taken" ? null : outcome.detail,
        record: showQuarantined({ ...record, bytes: record.record.value?.length }),
      });
    },
  );
};
