/**
 * What an evaluation in native mode means: a value, nothing, or a fault with its reason. NB: an error of a host-served built-in makes the whole
 * result a `policy_error`, whatever else the policy said: the rule that it left undefined may have been the deny.
 */
import type { Verdict } from "../domain/decision.ts";
import { fault } from "./decision-result.ts";
import type { RegoValue } from "./rego-value/value.ts";
import type { Evaluation } from "./wasm/evaluation.ts";

type Meaning =
  | { readonly kind: "value"; readonly value: RegoValue | undefined }
  | { readonly kind: "fault"; readonly fault: Extract<Verdict, { kind: "fault" }> };

export type Outcome = Meaning & { readonly fuelUsed: number };

export const NOT_LOADED: Outcome = {
  kind: "fault",
  fault: fault("policy_not_loaded", "no bundle is active"),
  fuelUsed: 0,
};

type Ending = { readonly endsNs: bigint | undefined; readonly revision: string };

/** NB: a bundle with an end stays active, so that nothing older takes its place, and denies. */
export function expired({ endsNs, revision }: Ending, nowNs: bigint): Outcome | undefined {
  if (endsNs === undefined || nowNs < endsNs) return undefined;
  return { kind: "fault", fault: fault("policy_expired", `${revision} was signed to decide until then`), fuelUsed: 0 };
}

/** None decides now: none was loaded, or its time is over. Another may later, and nothing has to end for that. */
export type NoPolicy = { readonly kind: "unavailable"; readonly detail: string };

/**
 * What a fault is to whoever asked for a route or a permission: the policy's own is theirs by the name they have for it, and the same policy would say it
 * again; where there is none nobody was refused.
 */
export function unanswered<Kind extends string>(
  { reason, detail }: Extract<Verdict, { kind: "fault" }>,
  kind: Kind,
): NoPolicy | { readonly kind: Kind; readonly detail: string } {
  const isNone = reason === "policy_not_loaded" || reason === "policy_expired";
  return isNone ? { kind: "unavailable", detail } : { kind, detail };
}

export function outcomeOf(evaluation: Evaluation): Outcome {
  return { ...meaningOf(evaluation), fuelUsed: evaluation.fuelUsed };
}

function meaningOf(evaluation: Evaluation): Meaning {
  if (evaluation.kind === "exceeded") return failed("policy_budget_exceeded", exceededText(evaluation));
  if (evaluation.kind === "asks") return failed("policy_ask_unanswered", unansweredText(evaluation));
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

/** NB: names the host at most; a URL, headers and bodies may hold secrets. */
export function unansweredText({ asked, why }: Extract<Evaluation, { kind: "asks" }>): string {
  return `${asked.builtin}: ${why}`;
}

function inRule(rule: string | undefined): string {
  return rule === undefined ? "" : ` in ${rule}`;
}

function failed(reason: Parameters<typeof fault>[0], detail: string): Meaning {
  return { kind: "fault", fault: fault(reason, detail) };
}
