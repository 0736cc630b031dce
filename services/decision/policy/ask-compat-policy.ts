/**
 * Asks an opa-envoy-plugin policy about one call: builds the input that the plugin would build, and evaluates. Faults of
 * built-ins inside the policy leave their expressions undefined, as they do there. Unlike there an evaluation ends within
 * its budget, and who brings it beyond that too often is not evaluated again for a while (suspensions.ts).
 */
import type { CompatPolicy as LoadedPolicy } from "../../../core/policy/compat-policy.ts";
import {
  type CompatInputOptions,
  createCompatInput,
  httpRequestOf,
} from "../../../core/policy/envoy-input/compat-input.ts";
import type { CompatJudged, CompatPolicy } from "../ext-authz/ports.ts";
import type { Evaluation, Network } from "../ports.ts";
import type { Asked, Shadow } from "../shadow/ports.ts";
import type { KeptInputs } from "./kept-inputs.ts";
import type { ObserveEvaluation } from "./observe-evaluation.ts";
import type { Attempt, Suspensions } from "./suspensions.ts";

const NOT_LOADED = {
  kind: "fault",
  reason: "policy_not_loaded",
  message: "no bundle is active",
  echoes: true,
} as const;

type CompatPolicyDeps = {
  /** Of the bundle that is active at the moment of the question. */
  readonly current: () => LoadedPolicy | undefined;
  /** Where policies may ask it. */
  readonly network?: Network | undefined;
  readonly suspensions: Suspensions;
  readonly sourceAddress: (evaluation: Evaluation) => string | undefined;
  readonly observe: ObserveEvaluation;
  /** Is told what was asked and answered, for a candidate to be compared. */
  readonly shadow?: Shadow;
  readonly monotonicMs: () => number;
  /** In development only. */
  readonly keptInputs?: Pick<KeptInputs, "keep"> | undefined;
};

export function createCompatPolicy(
  { current, network, suspensions, sourceAddress, observe, shadow, monotonicMs, keptInputs }: CompatPolicyDeps,
  options: CompatInputOptions,
): CompatPolicy {
  /** There is no identity here but what the enforcer verified of the peer, or the address. */
  function attemptOf(evaluation: Evaluation, revision: string): Attempt {
    const { http } = evaluation.call;
    const subject = evaluation.credentials.principal ?? `address ${sourceAddress(evaluation)}`;
    return { revision, subject, method: http?.method ?? evaluation.protocol, path: http?.path ?? "" };
  }

  return {
    decide(request, evaluation, { wall, monoMs }, deadline) {
      const policy = current();
      if (policy === undefined) return { result: NOT_LOADED, revision: "", fuelUsed: undefined };
      const { revision } = policy;
      if (suspensions.isSuspended(() => attemptOf(evaluation, revision), monoMs)) {
        return { result: { kind: "suspended" }, revision, fuelUsed: undefined };
      }
      const input = createCompatInput(request, options);
      if (input.kind === "fault") {
        return { result: { kind: "unparsable", message: input.message }, revision, fuelUsed: undefined };
      }
      const started = monotonicMs();
      const time = { nowNs: BigInt(wall) * 1_000_000n };
      const asking = network?.forDecision(deadline);
      const judged = ({ result, fuelUsed }: ReturnType<LoadedPolicy["evaluate"]>): CompatJudged => {
        observe({ durationMs: monotonicMs() - started - (asking?.waitedMs() ?? 0), fuelUsed });
        const { decisionId } = evaluation;
        keptInputs?.keep({ decisionId, time: wall, revision, inputJson: input.json, verdict: result.kind, fuelUsed });
        if (result.kind === "fault" && result.reason === "policy_budget_exceeded")
          suspensions.note(attemptOf(evaluation, revision), monoMs);
        const asked = asking?.asked() ?? [];
        if (shadow?.isAsked() === true) {
          const replies = asked.length === 0 ? undefined : asking?.replies;
          const offered = { decisionId, ...time, said: { mode: "compat", result }, revision, replies } as const;
          const native = shadow.native?.()?.(evaluation, httpRequestOf(request), { wall, monoMs });
          shadow.offer(native === undefined ? whole(offered, input) : ofItsOwn(offered, native, input.json.length));
        }
        return asked.length === 0 ? { result, revision, fuelUsed } : { result, revision, fuelUsed, asked };
      };
      if (asking === undefined) return judged(policy.evaluate(input.json, time));
      const evaluated = policy.evaluateAsking(input.json, time, asking);
      return evaluated instanceof Promise ? evaluated.then(judged) : judged(evaluated);
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
