/**
 * What goes with every evaluation, in either mode: it may ask the network, its time and cost are observed, its input is kept in development, and
 * one that exceeded its budget counts against whoever brought it about (suspensions.ts).
 */
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Replies } from "../../../core/policy/asks.ts";
import type { AskedHost, Deadline, Network } from "../ports.ts";
import type { AskedInput, KeptInputs } from "./kept-inputs.ts";
import type { ObserveEvaluation } from "./observe-evaluation.ts";
import type { Attempt, Suspensions } from "./suspensions.ts";

export type EvaluatingDeps = {
  /** Where policies may ask it. */
  readonly network?: Network | undefined;
  readonly suspensions: Suspensions;
  readonly observe: ObserveEvaluation;
  readonly monotonicMs: () => number;
  /** In development only. */
  readonly keptInputs?: Pick<KeptInputs, "keep"> | undefined;
};

type Asking = ReturnType<Network["forDecision"]>;

type Evaluation<E> = Pick<AskedInput, "decisionId" | "revision" | "inputJson"> & {
  readonly clocks: Clocks;
  readonly deadline: Deadline;
  readonly attempt: () => Attempt;
  /** `asking` where the policy may ask; only then a promise, which never rejects. */
  readonly evaluate: (time: { readonly nowNs: bigint }, asking: Asking | undefined) => E | Promise<E>;
  readonly outcomeOf: (evaluated: E) => { readonly kind: AskedInput["verdict"]; readonly reason?: string };
};

type Told = {
  readonly nowNs: bigint;
  /** Whom the policy asked, and what it was told; undefined where it asked nobody. */
  readonly asked: readonly AskedHost[] | undefined;
  readonly replies: Replies | undefined;
};

export function createEvaluating(deps: EvaluatingDeps) {
  const { network, suspensions, observe, monotonicMs, keptInputs } = deps;

  /** What `tell` makes of what came of it; a promise, which never rejects, only where the policy asks the network. */
  return <E extends { readonly fuelUsed: number }, T>(
    { decisionId, revision, inputJson, clocks, deadline, attempt, evaluate, outcomeOf }: Evaluation<E>,
    tell: (evaluated: E, told: Told) => T,
  ): T | Promise<T> => {
    const { wall, monoMs } = clocks;
    const started = monotonicMs();
    const nowNs = BigInt(wall) * 1_000_000n;
    const asking = network?.forDecision(deadline);
    const after = (evaluated: E): T => {
      const { fuelUsed } = evaluated;
      observe({ durationMs: monotonicMs() - started - (asking?.waitedMs() ?? 0), fuelUsed });
      const { kind, reason } = outcomeOf(evaluated);
      keptInputs?.keep({ decisionId, time: wall, revision, inputJson, verdict: kind, fuelUsed });
      if (kind === "fault" && reason === "policy_budget_exceeded") suspensions.note(attempt(), monoMs);
      const asked = asking?.asked() ?? [];
      const hasAsked = asked.length > 0;
      return tell(evaluated, {
        nowNs,
        asked: hasAsked ? asked : undefined,
        replies: hasAsked ? asking?.replies : undefined,
      });
    };
    const evaluated = evaluate({ nowNs }, asking);
    return evaluated instanceof Promise ? evaluated.then(after) : after(evaluated);
  };
}
