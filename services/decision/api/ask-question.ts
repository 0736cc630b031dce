/**
 * One question of an API caller: judged by the decision path, recorded, and answered if the decision log permits, as the ext_authz edge does for
 * a call. An unexpected exception is a denial.
 */
import { deny } from "../../../core/domain/decision.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { Question } from "../../../core/domain/question.ts";
import type { AskOptions, AskQuestion, EvaluateAside } from "./ports.ts";
import type { DecisionLog, Evaluate, Evaluation, Faults, ObserveDecision } from "../ports.ts";

type AskQuestionDeps = {
  readonly evaluate: Evaluate;
  readonly decisionLog: DecisionLog;
  readonly newDecisionId: () => Id<"decision">;
  readonly readClocks: () => Clocks;
  readonly faults: Faults;
  readonly observe: ObserveDecision;
};

const NO_CALL = {
  source: undefined,
  destination: undefined,
  time: undefined,
  http: undefined,
  httpDetails: undefined,
  contextExtensions: new Map<string, string>(),
  tlsServerName: undefined,
};

export function createAskQuestion(deps: AskQuestionDeps): AskQuestion {
  const { evaluate, decisionLog, newDecisionId, readClocks, faults, observe } = deps;
  return async (question, { vouched, deadline, mode, traceparent, client }) => {
    const started = readClocks();
    const evaluation = evaluationOf(newDecisionId(), question, { vouched, traceparent, client });
    const time = started.wall;
    try {
      const evaluated = await evaluate(evaluation, { readClocks, deadline, mode });
      const durationMs = readClocks().monoMs - started.monoMs;
      const instead = await decisionLog.append({
        ...evaluated,
        evaluation,
        sourceAddress: undefined,
        mode,
        time,
        durationUs: durationMs * 1_000,
      });
      const answer = instead ?? evaluated;
      observe(answer, evaluation, durationMs);
      return { ...answer, evaluation, time };
    } catch (error) {
      faults.report(error);
      return {
        subject: undefined,
        policyRevision: undefined,
        decision: deny("internal_error"),
        evaluation,
        time,
      };
    }
  };
}

export function createEvaluateAside({
  evaluate,
  newDecisionId,
  readClocks,
}: Pick<AskQuestionDeps, "evaluate" | "newDecisionId" | "readClocks">): EvaluateAside {
  return (question, vouched, deadline) => {
    const evaluation = evaluationOf(newDecisionId(), question, { vouched, traceparent: undefined, client: undefined });
    return evaluate(evaluation, { readClocks, deadline, mode: "ask" });
  };
}

function evaluationOf(
  decisionId: Id<"decision">,
  question: Question,
  { vouched, traceparent, client }: Pick<AskOptions, "vouched" | "traceparent" | "client">,
): Evaluation {
  return {
    decisionId,
    protocol: "api",
    call: NO_CALL,
    credentials: { authorization: [], principal: undefined },
    justification: undefined,
    traceparent,
    question,
    client,
    vouched,
  };
}
