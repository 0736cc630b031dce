/**
 * The edge shared by native and compatibility mode: one call is judged, recorded, and answered if the decision log permits. Whatever throws ends in
 * a denial, which is recorded as well. How a call is judged and how the verdict is encoded is up to check.ts and compat-check.ts.
 */
import { deny, type Deny } from "../../../core/domain/decision.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { UnderWay } from "../../../platform/lifecycle/under-way.ts";
import { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
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
/** A CheckResponse, encoded. */
type Told = Uint8Array | RpcFailure;

export type Check = (
  arrived: Arrived,
  deadline: Deadline,
  options: { readonly shed: boolean; readonly traceparent?: string | undefined },
) => Promise<Told>;

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

/** `answer` is called before the decision is recorded: what cannot be told is not recorded as told. */
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

  /** NB: throws only before it is on record: one decision is never recorded as one thing and told as another. */
  async function recorded({ evaluated, answer }: Judged, evaluation: Evaluation, started: Clocks): Promise<Told> {
    const bytes = encoded(answer());
    const durationMs = readClocks().monoMs - started.monoMs;
    const instead = await decisionLog.append({
      ...evaluated,
      evaluation,
      sourceAddress: sourceAddress(evaluation),
      mode: "enforce",
      time: started.wall,
      durationUs: durationMs * 1_000,
    });
    try {
      observe(instead ?? evaluated, evaluation, durationMs);
    } catch (error) {
      faults.report(error);
    }
    return instead === undefined ? bytes : encoded(asDenied(instead, evaluation).answer());
  }

  return async (arrived, deadline, { shed, traceparent }) => {
    const started = readClocks();
    const decisionId = newDecisionId();
    let known: Evaluation | undefined;
    let judged: Judged | undefined;
    underWay.begin();
    try {
      const { evaluation, fault } =
        arrived.kind === "request" ? evaluationFrom(arrived.request, decisionId, traceparent) : unknownCall(decisionId);
      known = evaluation;
      judged = await judge({ arrived, evaluation, fault, deadline, shed });
      return await recorded(judged, evaluation, started);
    } catch (error) {
      faults.report(error);
      const evaluation = known ?? unknownCall(decisionId).evaluation;
      const decision = deny("internal_error");
      // What was found out stays on record: whose call it was, and by which revision.
      const denied =
        judged === undefined ? refused(decision, evaluation) : asDenied({ ...judged.evaluated, decision }, evaluation);
      try {
        return await recorded(denied, evaluation, started);
      } catch (again) {
        // What threw may throw again; the denial is told all the same.
        faults.report(again);
        return encoded(denied.answer());
      }
    } finally {
      underWay.end();
    }
  };
}

function encoded(answer: Answer): Told {
  return Buffer.isBuffer(answer) || answer instanceof RpcFailure ? answer : CheckResponse.encode(answer).finish();
}
