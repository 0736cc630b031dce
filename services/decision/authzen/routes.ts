/** Evaluation and evaluations as routes of fastify, for requests in any form; those in their usual one do not come here (direct.ts). */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Clocks } from "../../../core/domain/freshness.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { Authenticated, EvaluateAside } from "../api/ports.ts";
import type { Faults } from "../ports.ts";
import type { EvaluationDeps, Evaluations } from "./evaluations.ts";
import { PATHS } from "./metadata.ts";
import type { Candidates } from "./ports.ts";
import { DECISION_ID, say } from "./say.ts";

export type RouteDeps = EvaluationDeps & {
  readonly candidates: Candidates;
  /** As `ask` would, but on no record: for searches. */
  readonly evaluateAside: EvaluateAside;
  readonly readClocks: () => Clocks;
  readonly faults: Faults;
};

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
