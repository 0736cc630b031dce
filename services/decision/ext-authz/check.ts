/**
 * One Check: translate in, evaluate, log, translate out. The one catch ends in a deny, as does everything that could not
 * be decoded, shed or recorded; a caller never gets a gRPC error from here.
 */
import { deny } from "../../../core/domain/decision.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { CheckRequest, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Deadline, DecisionLog, Evaluate, Evaluated, Evaluation, Faults } from "../ports.ts";
import { evaluationFrom, unknownCall } from "./check-request.ts";
import { checkResponse, type ResponseOptions, withSafeHeaders } from "./check-response.ts";

/** What arrived: a request, or why there is none. */
export type Arrived =
  | { readonly kind: "request"; readonly request: CheckRequest }
  | { readonly kind: "undecodable" }
  | { readonly kind: "oversize" };

export type Check = (
  arrived: Arrived,
  deadline: Deadline,
  options: { readonly shed: boolean },
) => Promise<CheckResponse>;

export type CheckDeps = {
  readonly evaluate: Evaluate;
  readonly decisionLog: DecisionLog;
  readonly sourceAddress: (evaluation: Evaluation) => string | undefined;
  readonly newDecisionId: () => Id<"decision">;
  readonly readClocks: () => Clocks;
  readonly faults: Faults;
  /** Counts, times and, when debugging, logs every decision. */
  readonly observe: (evaluated: Evaluated, evaluation: Evaluation, durationMs: number) => void;
};

const NOTHING_KNOWN = { subject: undefined, policyRevision: undefined } as const;

export function createCheck(deps: CheckDeps, options: ResponseOptions): Check {
  const { evaluate, decisionLog, sourceAddress, newDecisionId, readClocks, faults, observe } = deps;

  async function decide(
    arrived: Arrived,
    evaluation: Evaluation,
    fault: string | undefined,
    deadline: Deadline,
    shed: boolean,
  ) {
    if (arrived.kind !== "request") return { ...NOTHING_KNOWN, decision: deny("request_parse_error", [arrived.kind]) };
    if (fault !== undefined) return { ...NOTHING_KNOWN, decision: deny("request_parse_error", [fault]) };
    if (shed) return { ...NOTHING_KNOWN, decision: deny("overloaded") };
    return withSafeHeaders(await evaluate(evaluation, { readClocks, deadline, mode: "enforce" }));
  }

  return async (arrived, deadline, { shed }) => {
    const started = readClocks();
    const decisionId = newDecisionId();
    let evaluation = unknownCall(decisionId);
    try {
      let fault: string | undefined;
      if (arrived.kind === "request") ({ evaluation, fault } = evaluationFrom(arrived.request, decisionId));
      let evaluated = await decide(arrived, evaluation, fault, deadline, shed);
      const durationMs = readClocks().monoMs - started.monoMs;
      const recorded = await decisionLog.append({
        ...evaluated,
        evaluation,
        sourceAddress: sourceAddress(evaluation),
        mode: "enforce",
        time: started.wall,
        durationUs: durationMs * 1_000,
      });
      // NB: not on record and required to be: then it did not happen. A use that was redeemed for it stays spent.
      if (recorded === "failed" && decisionLog.required)
        evaluated = { ...evaluated, decision: deny("audit_unavailable") };
      observe(evaluated, evaluation, durationMs);
      return checkResponse(evaluated, evaluation, options);
    } catch (error) {
      faults.report(error);
      return checkResponse({ ...NOTHING_KNOWN, decision: deny("internal_error") }, evaluation, options);
    }
  };
}
