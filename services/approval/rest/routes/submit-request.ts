/** POST /v1/requests: the requester submits a denial, with a reason. 201: a new request; 200: the open one with the same key. */
import { type Id, id } from "../../../../core/domain/id.ts";
import type { Instant } from "../../../../core/domain/time.ts";
import type { SubmitOutcome } from "../../commands/ports.ts";
import type { BindingTokens } from "../access-requests/profile.ts";
import { type Answer, requestAnswer, sendAnswer } from "../answer.ts";
import { callerOf } from "../caller.ts";
import { keeping } from "../idempotency.ts";
import { sendProblem } from "../problem.ts";
import { readAsked } from "../read.ts";
import type { AddRoute } from "../rest.ts";
import { RequestWithGrant, SubmitBody } from "../schema/requests.ts";
import { WriteHeaders } from "../schema/words.ts";

export const submitRequest: AddRoute = (rest, { submit, reads, accessRequests }) => {
  rest.post(
    "/v1/requests",
    {
      config: {
        problems: [
          "unknown_denial",
          "no_person",
          "already_granted",
          "expired_denial",
          "invalid_denial_binding",
          "unknown_elevation",
          "justification_required",
          "exceeds_offer",
          "not_bindable",
        ],
      },
      schema: {
        operationId: "submitRequest",
        summary: "Submit a denial: ask for the action that needs approval.",
        tags: ["requests"],
        headers: WriteHeaders,
        body: SubmitBody,
        response: { 200: RequestWithGrant, 201: RequestWithGrant },
      },
    },
    async (request, reply) => {
      const { party } = callerOf(request);
      const named = denialNamed(request.body, { tokens: accessRequests?.tokens, now: await reads.now() });
      if (named.kind === "refused") return sendProblem(reply, named.reason);
      if (named.kind === "none") {
        const detail = "is missing, and so is binding_token";
        return sendProblem(reply, "invalid_request", { errors: [{ pointer: "/denial_id", detail }] });
      }
      const outcome = await submit({
        denialId: named.denialId,
        by: party.subject,
        asked: readAsked(request.body),
        automatic: false,
        settle: keeping(request, (made: SubmitOutcome) =>
          made.kind === "submitted" || made.kind === "exists" ? answerTo(made) : undefined,
        ),
      });
      switch (outcome.kind) {
        case "refused":
          return sendProblem(reply, outcome.reason);
        case "already_granted":
          return sendProblem(reply, "already_granted", { grant_id: outcome.grant.id });
        case "exists":
        case "submitted":
          return sendAnswer(reply, answerTo(outcome));
      }
    },
  );
};

type Answered = Extract<SubmitOutcome, { readonly kind: "submitted" | "exists" }>;

/** NB: an open request with the same key has no grant yet. */
function answerTo(outcome: Answered): Answer {
  if (outcome.kind === "exists") return requestAnswer(200, outcome.request, undefined);
  return requestAnswer(201, outcome.request, outcome.grant);
}

type Named =
  | { readonly kind: "denial"; readonly denialId: Id<"denial"> }
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly reason: "invalid_denial_binding" | "expired_denial" };

/** NB: a token only points to a denial. The command checks whether it exists, and whose it is. */
function denialNamed(
  { denial_id: denialId, binding_token: token }: SubmitBody,
  { tokens, now }: { readonly tokens: BindingTokens | undefined; readonly now: Instant },
): Named {
  if (token === undefined) {
    return denialId === undefined ? { kind: "none" } : { kind: "denial", denialId: id("denial", denialId) };
  }
  const read = tokens?.read(token, now);
  if (read?.kind !== "binding") {
    return { kind: "refused", reason: read?.reason === "expired" ? "expired_denial" : "invalid_denial_binding" };
  }
  const pointed = read.binding.denialId;
  if (denialId !== undefined && denialId !== pointed) return { kind: "refused", reason: "invalid_denial_binding" };
  return { kind: "denial", denialId: pointed };
}
