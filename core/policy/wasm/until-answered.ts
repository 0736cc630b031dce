/**
 * Evaluates until every question that the policy asks of the network is answered (../asks.ts), or one is not. Synchronous unless there is one.
 * All repetitions together have the fuel of one evaluation, and their sum is what the decision cost: who makes a policy ask gains no time by it.
 */
import type { Asking } from "../asks.ts";
import type { Evaluation } from "./evaluation.ts";

/** @param attempt evaluates from the beginning with the replies that `asking` has by then */
export function untilAnswered(
  attempt: (fuel: number) => Evaluation,
  fuel: number,
  asking: Asking,
): Evaluation | Promise<Evaluation> {
  const first = attempt(fuel);
  return first.kind === "asks" ? repeated(first) : first;

  async function repeated(asks: Evaluation): Promise<Evaluation> {
    let evaluation = asks;
    let { fuelUsed } = evaluation;
    while (evaluation.kind === "asks") {
      const answer = await asking.answer(evaluation.asked);
      if (answer.kind === "unanswered") return { ...evaluation, why: answer.why, fuelUsed };
      evaluation = attempt(Math.max(0, fuel - fuelUsed));
      fuelUsed += evaluation.fuelUsed;
    }
    return { ...evaluation, fuelUsed };
  }
}
