/**
 * One question of an API caller: judged by the decision path, recorded, and answered if the decision log permits, as the ext_authz edge does for
 * a call. An unexpected exception is a denial, recorded like any other.
 */
import { deny } from "../../../core/domain/decision.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { Question } from "../../../core/domain/question.ts";
import type { Answered, AskOptions, AskQuestion, EvaluateAside } from "./ports.ts";
import type { DecisionLog, Evaluate, Evaluated, Evaluation, Faults, Mode, ObserveDecision } from "../ports.ts";

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

  /** Gives what may be told. NB: throws only before it is on record: one decision is never recorded as one thing and told as another. */
  async function recorded(
    evaluated: Evaluated,
    { evaluation, mode, started }: { readonly evaluation: Evaluation; readonly mode: Mode; readonly started: Clocks },
  ): Promise<Answered> {
    const durationMs = readClocks().monoMs - started.monoMs;
    const time = started.wall;
    const durationUs = durationMs * 1_000;
    const instead = await decisionLog.append({
      ...evaluated,
      evaluation,
      sourceAddress: undefined,
      mode,
      time,
      durationUs,
    });
    const told = instead ?? evaluated;
    try {
      observe(told, evaluation, durationMs);
    } catch (error) {
      faults.report(error);
    }
    return { ...told, evaluation, time };
  }

  return async (question, { vouched, deadline, mode, traceparent, client }) => {
    const started = readClocks();
    const evaluation = evaluationOf(newDecisionId(), question, { vouched, traceparent, client });
    const asked = { evaluation, mode, started };
    try {
      return await recorded(await evaluate(evaluation, { readClocks, deadline, mode }), asked);
    } catch (error) {
      faults.report(error);
      const denied = { subject: undefined, policyRevision: undefined, decision: deny("internal_error") };
      try {
        return await recorded(denied, asked);
      } catch (again) {
        // What threw may throw again; the denial is told all the same.
        faults.report(again);
        return { ...denied, evaluation, time: started.wall };
      }
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
