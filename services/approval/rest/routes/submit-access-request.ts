/**
 * POST /access/v1/requests (Access Request profile, draft 1): POST /v1/requests in the terms of the profile. 201: decided at once; 202: pending.
 */
import { faultIn } from "../../../../core/domain/json-fault.ts";
import type { AccessRequest } from "../../../../core/domain/access-request.ts";
import type { Grant } from "../../../../core/domain/grant.ts";
import { ACCESS_REQUEST_PROFILE } from "../../../../core/messages/access-request-profile.ts";
import type { SubmitOutcome } from "../../commands/ports.ts";
import { deniedBy } from "../access-requests/denied.ts";
import { PATH, PROFILE } from "../access-requests/profile.ts";
import { TaskShown } from "../access-requests/shown.ts";
import { askedOf, isActing, questionOf, SubmissionBody, timeAt } from "../access-requests/submission.ts";
import { taskAnswer } from "../access-requests/task.ts";
import { sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { keepAfterwards, keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import type { AddRoute } from "../rest.ts";
import { WriteHeaders } from "../schema/words.ts";

export const submitAccessRequest: AddRoute = (rest, { submit, reads, accessRequests, idempotencyKeys }) => {
  if (accessRequests === undefined) return;
  const { endpoint, tokens } = accessRequests;
  rest.post(
    PATH,
    {
      config: {
        ...PROFILE.config,
        problems: [
          "invalid_denial_binding",
          "expired_denial",
          "not_requestable",
          "unknown_denial",
          "unknown_elevation",
          "no_person",
          "already_granted",
          "justification_required",
          "exceeds_offer",
          "not_bindable",
        ],
      },
      schema: {
        operationId: "submitAccessRequest",
        summary: `Submit what an AuthZEN evaluation denied, in the words of the Access Request profile (draft ${ACCESS_REQUEST_PROFILE.draft}).`,
        tags: PROFILE.tags,
        headers: WriteHeaders,
        body: SubmissionBody,
        response: { 201: TaskShown, 202: TaskShown },
      },
      // Before the body is hashed for its idempotency key.
      preValidation: async ({ body }, reply) => {
        const fault = faultIn(body);
        return fault === undefined ? undefined : sendProblem(reply, "invalid_request", { detail: `${fault}.` });
      },
    },
    async (request, reply) => {
      const { party } = callerOf(request);
      const { body } = request;
      if (!isActing(body, party.subject.actors)) {
        const detail = "is not who your credential says is acting";
        return sendProblem(reply, "invalid_request", { errors: [{ pointer: "/client/actor", detail }] });
      }
      const now = await reads.now();
      const submitted = {
        evaluationId: body.denial.evaluation_id,
        token: body.denial.binding_token,
        expiresAt: timeAt("/denial/expires_at", body.denial.expires_at),
      };
      const denied = await deniedBy({ tokens, reads }, submitted, questionOf(body), now);
      if (denied.kind === "refused") return sendProblem(reply, denied.reason);
      const answer = (made: AccessRequest, grant: Grant | undefined) =>
        taskAnswer(made.status === "pending" ? 202 : 201, made, grant, { endpoint, by: party });
      const outcome = await submit({
        denialId: denied.denialId,
        by: party.subject,
        asked: askedOf(body, now),
        automatic: false,
        settle: keeping(request, (made: SubmitOutcome) => {
          if (made.kind === "exists") return answer(made.request, undefined); // an open one has no grant yet
          return made.kind === "submitted" ? answer(made.request, made.grant) : undefined;
        }),
      });
      switch (outcome.kind) {
        case "refused":
          // For anybody else than the denied person there is no such denial.
          return sendProblem(reply, outcome.reason === "unknown_denial" ? "not_requestable" : outcome.reason);
        case "already_granted": {
          const { grant } = outcome;
          const before = await reads.request(grant.requestId);
          if (before === undefined) return sendProblem(reply, "already_granted", { grant_id: grant.id });
          const granted = answer(before, grant);
          // NB: after the transaction, which wrote nothing. Without it a repeat, once the grant is used, would make a request.
          await keepAfterwards({ idempotencyKeys }, request, granted);
          return sendAnswer(reply, granted);
        }
        case "exists":
          return sendAnswer(reply, answer(outcome.request, undefined));
        case "submitted":
          return sendAnswer(reply, answer(outcome.request, outcome.grant));
      }
    },
  );
};
