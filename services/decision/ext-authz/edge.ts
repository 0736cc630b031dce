/**
 * The edge shared by native and compatibility mode: one call is judged, recorded, and answered if the decision log permits. Its one catch ends in
 * a denial. How a call is judged and how the verdict is encoded is up to check.ts and compat-check.ts.
 */
import { deny, type Deny } from "../../../core/domain/decision.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { UnderWay } from "../../../platform/lifecycle/under-way.ts";
import type { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Deadline, DecisionLog, Evaluated, Evaluation, Faults, ObserveDecision } from "../ports.ts";
import { evaluationFrom, unknownCall } from "./check-request.ts";
import { checkResponse } from "./check-response.ts";
import type { ReadCheck } from "./read-check.ts";

/** What arrived: a request, or why there is none. */
export type Arrived =
  | { readonly kind: "request"; readonly request: ReadCheck; readonly bytes: Uint8Array }
  /** Not decodable by read-check.ts: compatibility mode accepts numbers that it refuses. */
  | { readonly kind: "undecodable"; readonly bytes: Uint8Array }
  | { readonly kind: "oversize" };

/**
 * A gRPC error instead of an answer, which a proxy with `failure_mode_allow` takes for an allow. NB: made in one place
 * only, compat-check.ts, and there only under `compat.unsafe`.
 */
export class RpcFailure {
  readonly code: number;
  readonly message: string;
  constructor(code: number, message: string) {
    this.code = code;
    this.message = message;
  }
}

/** A buffer is an already encoded CheckResponse. */
type Answer = CheckResponse | Buffer | RpcFailure;

export type Check = (
  arrived: Arrived,
  deadline: Deadline,
  options: { readonly shed: boolean; readonly traceparent?: string | undefined },
) => Promise<Answer>;

export type EdgeDeps = {
  readonly decisionLog: DecisionLog;
  readonly sourceAddress: (evaluation: Evaluation) => string | undefined;
  readonly newDecisionId: () => Id<"decision">;
  readonly readClocks: () => Clocks;
  readonly faults: Faults;
  /** A check counts from its arrival until it is recorded, whether or not the enforcer still waits. */
  readonly underWay: UnderWay;
  readonly observe: ObserveDecision;
};

type Call = {
  readonly arrived: Arrived;
  readonly evaluation: Evaluation;
  /** Set if the call cannot be described; what could be read is in the evaluation. */
  readonly fault: string | undefined;
  readonly deadline: Deadline;
  readonly shed: boolean;
};

/** `answer` is called after the decision is recorded. */
export type Judged = { readonly evaluated: Evaluated; readonly answer: () => Answer };

export type Judge = (call: Call) => Promise<Judged>;

const NOTHING_KNOWN = { subject: undefined, policyRevision: undefined } as const;

/** A denial that was not made by a policy. */
export function refused(decision: Deny, evaluation: Evaluation): Judged {
  return asDenied({ ...NOTHING_KNOWN, decision }, evaluation);
}

function asDenied(evaluated: Evaluated, evaluation: Evaluation): Judged {
  return { evaluated, answer: () => checkResponse(evaluated, evaluation, { requestUrl: undefined }) };
}

export function createEdge(deps: EdgeDeps, judge: Judge): Check {
  const { decisionLog, sourceAddress, newDecisionId, readClocks, faults, underWay, observe } = deps;
  return async (arrived, deadline, { shed, traceparent }) => {
    const started = readClocks();
    const decisionId = newDecisionId();
    let known: Evaluation | undefined;
    underWay.begin();
    try {
      const { evaluation, fault } =
        arrived.kind === "request" ? evaluationFrom(arrived.request, decisionId, traceparent) : unknownCall(decisionId);
      known = evaluation;
      const judged = await judge({ arrived, evaluation, fault, deadline, shed });
      const durationMs = readClocks().monoMs - started.monoMs;
      const instead = await decisionLog.append({
        ...judged.evaluated,
        evaluation,
        sourceAddress: sourceAddress(evaluation),
        mode: "enforce",
        time: started.wall,
        durationUs: durationMs * 1_000,
      });
      const { evaluated, answer } = instead === undefined ? judged : asDenied(instead, evaluation);
      observe(evaluated, evaluation, durationMs);
      return answer();
    } catch (error) {
      faults.report(error);
      return refused(deny("internal_error"), known ?? unknownCall(decisionId).evaluation).answer();
    } finally {
      underWay.end();
    }
  };
}
