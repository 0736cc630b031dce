/** Evaluation and evaluations: bodies in, the same decision path, decisions out. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { faultIn } from "../../../core/domain/json-fault.ts";
import type { Question } from "../../../core/domain/question.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { ApiCallers, AskQuestion, Authenticated, EvaluateAside } from "../api/ports.ts";
import type { Candidates } from "./ports.ts";
import type { Deadline, Faults, Mode } from "../ports.ts";
import { type AnswerParts, shownDecision } from "./answer.ts";
import { evaluateBatch } from "./evaluate-batch.ts";
import { questionOf, readQuestion } from "./question.ts";
import { PATHS } from "./metadata.ts";
import { readApproval } from "./reevaluation.ts";
import { EvaluationBody, EvaluationsBody } from "./schema.ts";
import { say } from "./say.ts";

export type RouteDeps = {
  readonly ask: AskQuestion;
  readonly callers: Pick<ApiCallers, "vouch" | "inOwnWords">;
  readonly candidates: Candidates;
  /** As `ask` would, but on no record: for searches. */
  readonly evaluateAside: EvaluateAside;
  readonly readClocks: () => Clocks;
  readonly newDeadline: () => Deadline;
  readonly faults: Faults;
  readonly maxBatch: number;
  readonly answers: AnswerParts;
};

export function addEvaluationRoutes(app: FastifyInstance, deps: RouteDeps): void {
  app.post<{ Body: EvaluationBody }>(
    PATHS.evaluation,
    { schema: { operationId: "evaluation", body: EvaluationBody } },
    async (request, reply) => {
      const fault = faultIn(request.body);
      if (fault !== undefined) return say(reply, 400, fault);
      const mode = modeOf(callerOf(request), request.body.options?.countersign_mode);
      if (mode === undefined) return notAnEnforcer(reply);
      const { body } = request;
      return evaluateOne(deps, request, reply, {
        question: questionOf(body),
        approval: readApproval(body.context),
        mode,
      });
    },
  );

  app.post<{ Body: EvaluationsBody }>(
    PATHS.evaluations,
    { schema: { operationId: "evaluations", body: EvaluationsBody } },
    async (request, reply) => {
      const { body } = request;
      const fault = faultIn(body);
      if (fault !== undefined) return say(reply, 400, fault);
      const mode = modeOf(callerOf(request), body.options?.countersign_mode);
      if (mode === undefined) return notAnEnforcer(reply);
      const items = body.evaluations ?? [];
      // Without items it is a single evaluation ("The Access Evaluations API Request").
      if (items.length === 0) {
        const read = readQuestion(body);
        if (read.kind === "refused") return say(reply, 400, read.why);
        return evaluateOne(deps, request, reply, { question: read.value, approval: readApproval(body.context), mode });
      }
      if (mode === "enforce") return say(reply, 400, "a batch cannot be enforced; evaluate one by one");
      if (items.length > deps.maxBatch) return say(reply, 400, `more than ${deps.maxBatch} evaluations`);
      const ask = asker(deps, request, "ask");
      const semantic = body.options?.evaluations_semantic ?? "execute_all";
      return { evaluations: await evaluateBatch(ask, body, items, { semantic, parts: deps.answers }) };
    },
  );
}

async function evaluateOne(
  deps: RouteDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: {
    readonly question: Question;
    readonly approval: ReturnType<typeof readApproval>;
    readonly mode: Mode;
  },
): Promise<object> {
  const answered = await asker(deps, request, asked.mode)(asked.question);
  void reply.header("countersign-decision-id", answered.evaluation.decisionId);
  return shownDecision(answered, deps.answers, asked.approval);
}

/** Asks for this caller; all that one request asks shares its deadline. */
function asker({ ask, callers, newDeadline }: RouteDeps, request: FastifyRequest, mode: Mode) {
  const caller = callerOf(request);
  const deadline = newDeadline();
  const traceparent = firstTraceparent([request.headers["traceparent"]]);
  return (question: Question) =>
    ask(callers.inOwnWords(caller, question), {
      vouched: callers.vouch(caller, question.subject),
      deadline,
      mode,
      traceparent,
    });
}

/** Undefined: enforcing is for clients that are configured as enforcers. What is no mode is `ask`, which changes nothing. */
function modeOf(caller: Authenticated, asked: string | undefined): Mode | undefined {
  if (asked !== "enforce") return "ask";
  return caller.kind === "client" && caller.client.enforcer ? "enforce" : undefined;
}

function notAnEnforcer(reply: FastifyReply): FastifyReply {
  return say(reply, 403, "this caller is not configured as an enforcer");
}

/** The caller of a route behind authentication; throws anywhere else. */
export function callerOf(request: FastifyRequest): Authenticated {
  const caller = request.getDecorator<Authenticated | null>("caller");
  if (caller === null) throw new Error("a route without authentication");
  return caller;
}
