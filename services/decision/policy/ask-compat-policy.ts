/**
 * Evaluates an opa-envoy-plugin policy for one call, with the input that the plugin would build. As in the plugin, a failing built-in leaves its
 * expression undefined. Unlike there, an evaluation ends within its budget, and a caller who exceeds it too often is not evaluated for a while
 * (suspensions.ts).
 */
import type { CompatPolicy as LoadedPolicy } from "../../../core/policy/compat-policy.ts";
import {
  type CompatInputOptions,
  createCompatInput,
  httpRequestOf,
} from "../../../core/policy/envoy-input/compat-input.ts";
import type { CompatJudged, CompatPolicy } from "../ext-authz/ports.ts";
import type { Evaluation } from "../ports.ts";
import type { Asked, Shadow } from "../shadow/ports.ts";
import { createEvaluating, type EvaluatingDeps } from "./evaluating.ts";
import type { Attempt } from "./suspensions.ts";

const NOT_LOADED = {
  kind: "fault",
  reason: "policy_not_loaded",
  message: "no bundle is active",
  echoes: true,
} as const;

type CompatPolicyDeps = EvaluatingDeps & {
  /** Of the bundle that is active at the moment of the question. */
  readonly current: () => LoadedPolicy | undefined;
  readonly sourceAddress: (evaluation: Evaluation) => string | undefined;
  /** Is told what was asked and answered, for a candidate to be compared. */
  readonly shadow?: Shadow;
};

export function createCompatPolicy(deps: CompatPolicyDeps, options: CompatInputOptions): CompatPolicy {
  const { current, suspensions, sourceAddress, shadow } = deps;
  const evaluating = createEvaluating(deps);

  /** There is no identity here but what the enforcer verified of the peer, or the address. */
  function attemptOf(evaluation: Evaluation, revision: string): Attempt {
    const { http } = evaluation.call;
    const subject = evaluation.credentials.principal ?? `address ${sourceAddress(evaluation)}`;
    return { revision, subject, method: http?.method ?? evaluation.protocol, path: http?.path ?? "" };
  }

  return {
    decide(request, evaluation, clocks, deadline) {
      const policy = current();
      if (policy === undefined) return { result: NOT_LOADED, revision: "", fuelUsed: undefined };
      const { revision } = policy;
      if (suspensions.isSuspended(() => attemptOf(evaluation, revision), clocks.monoMs)) {
        return { result: { kind: "suspended" }, revision, fuelUsed: undefined };
      }
      const input = createCompatInput(request, options);
      if (input.kind === "fault") {
        return { result: { kind: "unparsable", message: input.message }, revision, fuelUsed: undefined };
      }
      const { decisionId } = evaluation;
      return evaluating(
        {
          ...{ decisionId, revision, inputJson: input.json, clocks, deadline },
          attempt: () => attemptOf(evaluation, revision),
          evaluate: (time, asking) =>
            asking === undefined ? policy.evaluate(input.json, time) : policy.evaluateAsking(input.json, time, asking),
          outcomeOf: ({ result }) => result,
        },
        ({ result, fuelUsed }, { nowNs, asked, replies }): CompatJudged => {
          if (shadow?.isAsked() === true) {
            const offered = { decisionId, nowNs, said: { mode: "compat", result }, revision, replies } as const;
            const native = shadow.native?.()?.(evaluation, httpRequestOf(request), clocks);
            shadow.offer(native === undefined ? whole(offered, input) : ofItsOwn(offered, native, input.json.length));
          }
          return asked === undefined ? { result, revision, fuelUsed } : { result, revision, fuelUsed, asked };
        },
      );
    },
  };
}

type Offered = Pick<Asked, "decisionId" | "nowNs" | "said" | "revision" | "replies">;

/** The plugin's input is written whole, whoever reads it. NB: apart, so that the queue holds the text and not the request. */
function whole(asked: Offered, input: NonNullable<Asked["input"]>): Asked {
  return { ...asked, input, reads: undefined, inputFor: () => input, bytes: input.json.length };
}

/** Of a candidate of ours. The queue holds the request: as a document, and as it was read. */
function ofItsOwn(asked: Offered, inputFor: Asked["inputFor"], inputLength: number): Asked {
  return { ...asked, input: undefined, reads: undefined, inputFor, bytes: 3 * inputLength };
}
