/** Evaluation and evaluations as routes of fastify, for requests in any form; those in their usual one do not come here (direct.ts). */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { Authenticated } from "../api/ports.ts";
import type { Evaluations } from "./evaluations.ts";
import { PATHS } from "./metadata.ts";
import { DECISION_ID, say } from "./say.ts";

export function addEvaluationRoutes(app: FastifyInstance, evaluations: Evaluations): void {
  for (const operation of ["evaluation", "evaluations"] as const) {
    app.post(PATHS[operation], { schema: { operationId: operation } }, async (request, reply) => {
      const said = await evaluations[operation]({
        body: request.body,
        caller: callerOf(request),
        traceparent: firstTraceparent([request.headers["traceparent"]]),
      });
      if (said.kind === "refused") return say(reply, said.status, said.why);
      if (said.decisionId !== undefined) void reply.header(DECISION_ID, said.decisionId);
      return said.body;
    });
  }
}

/** The caller of a route behind authentication; throws anywhere else. */
export function callerOf(request: FastifyRequest): Authenticated {
  const caller = request.getDecorator<Authenticated | null>("caller");
  if (caller === null) throw new Error("a route without authentication");
  return caller;
}
