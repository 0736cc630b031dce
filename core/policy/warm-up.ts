/** Why the answer to the empty input that a bundle is tested with is not acceptable; undefined if it is. */
import { verdictOf } from "./decision-result.ts";
import { exceededText, outcomeOf } from "./evaluation-outcome.ts";
import type { Evaluation } from "./wasm/evaluation.ts";

/** Of a policy of ours, which has to answer by the contract. */
export function contractFault(evaluation: Evaluation): string | undefined {
  const outcome = outcomeOf(evaluation);
  const verdict = outcome.kind === "value" ? verdictOf(outcome.value) : outcome.fault;
  const isInvalid =
    verdict.kind === "fault" && (verdict.reason === "policy_result_invalid" || verdict.reason === "display_too_large");
  return isInvalid ? verdict.detail : undefined;
}

/** Of any policy. NB: how long a built-in takes is the machine's doing, and proves nothing. */
export function tooDearFault(evaluation: Evaluation): string | undefined {
  if (evaluation.kind !== "exceeded" || evaluation.what === "builtin") return undefined;
  return `even an empty call costs more than an evaluation may: ${exceededText(evaluation)}; checks would be denied. Make the policy cheaper, or raise policy.budget`;
}
