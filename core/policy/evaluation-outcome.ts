/**
 * What an evaluation in native mode means: a value, nothing, or a fault with its reason. NB: an error of a host-served
 * built-in makes the whole result a `policy_error`, whatever else the policy said: the rule that it left undefined may
 * have been the deny.
 */
import type { Verdict } from "../domain/decision.ts";
import { fault } from "./decision-result.ts";
import type { RegoValue } from "./rego-value/value.ts";
import type { Evaluation } from "./wasm/evaluation.ts";

type Meaning =
  | { readonly kind: "value"; readonly value: RegoValue | undefined }
  | { readonly kind: "fault"; readonly fault: Extract<Verdict, { kind: "fault" }> };

export type Outcome = Meaning & { readonly fuelUsed: number };

export function outcomeOf(evaluation: Evaluation): Outcome {
  return { ...meaningOf(evaluation), fuelUsed: evaluation.fuelUsed };
}

function meaningOf(evaluation: Evaluation): Meaning {
  if (evaluation.kind === "exceeded") return failed("policy_budget_exceeded", exceededText(evaluation));
  const [failure] = evaluation.failures;
  if (failure !== undefined) {
    return failed("policy_error", `${failure.builtin}${inRule(failure.rule)}: ${failure.message}`);
  }
  switch (evaluation.kind) {
    case "value":
      return { kind: "value", value: evaluation.value };
    case "undefined":
      return { kind: "value", value: undefined };
    case "oversize":
      return failed("policy_result_invalid", "the result is too large");
    case "trap":
      return failed(evaluation.message.includes("conflict") ? "policy_conflict" : "policy_error", evaluation.message);
  }
}

const WHAT = {
  time: "it took more steps than its budget",
  memory: "it wanted more memory than its budget",
  stack: "it nested too deep",
  builtin: "a built-in was given or made too much",
} as const;

export function exceededText({ what, rule }: Extract<Evaluation, { kind: "exceeded" }>): string {
  return `${WHAT[what]}${inRule(rule)}`;
}

function inRule(rule: string | undefined): string {
  return rule === undefined ? "" : ` in ${rule}`;
}

function failed(reason: Parameters<typeof fault>[0], detail: string): Meaning {
  return { kind: "fault", fault: fault(reason, detail) };
}
