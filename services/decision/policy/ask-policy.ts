/**
 * Asks the active policy about one call: builds its input and evaluates. A call that cannot be described to a policy is
 * a fault (`request_parse_error`), as opa-envoy-plugin has it. An evaluation that exceeds its budget is stopped and noted;
 * who brings that about too often is not evaluated again for a while (suspensions.ts).
 */
import { namedCall } from "../../../core/domain/question.ts";
import { createDecisionInput } from "../../../core/policy/envoy-input/decision-input.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import type { Decided, PolicyHost } from "../../../core/policy/policy-host.ts";
import type { Judged, Network, Policy, PolicyQuestion } from "../ports.ts";
import type { Shadow } from "../shadow/ports.ts";
import type { KeptInputs } from "./kept-inputs.ts";
import type { ObserveEvaluation } from "./observe-evaluation.ts";
import type { Attempt, Suspensions } from "./suspensions.ts";

type PolicyDeps = {
  readonly host: Pick<PolicyHost, "decide" | "decideAsking" | "inputReads" | "revision">;
  /** Where policies may ask it. */
  readonly network?: Network | undefined;
  readonly suspensions: Suspensions;
  readonly observe: ObserveEvaluation;
  /** Is told what was asked and answered, for a candidate to be compared. */
  readonly shadow?: Shadow;
  readonly monotonicMs: () => number;
  /** In development only. */
  readonly keptInputs?: Pick<KeptInputs, "keep"> | undefined;
};

export function createPolicy(deps: PolicyDeps): Policy {
  const { host, network, suspensions, observe, shadow, monotonicMs, keptInputs } = deps;
  return {
    decide(question, { wall, monoMs }, deadline) {
      const { call, question: asked } = question.evaluation;
      const subject = question.caller.kind === "subject" ? question.caller.subject : undefined;
      const revision = host.revision();
      if (suspensions.isSuspended(() => attemptOf(question, revision), monoMs)) {
        const detail = "the policy exceeded its budget too often here";
        return { verdict: { kind: "fault", reason: "policy_suspended", detail }, revision, fuelUsed: undefined };
      }
      const described = { call, question: asked };
      const inputFor = (members: InputReads | undefined) =>
        createDecisionInput(described, subject, question.context, members);
      // Another policy that is tried on a kept input may read more of it; what only that one would read decides nothing here.
      const whole = keptInputs === undefined ? undefined : inputFor(undefined);
      const reads = whole?.kind === "input" ? undefined : host.inputReads();
      const input = whole?.kind === "input" ? whole : inputFor(reads);
      if (input.kind === "fault") {
        const verdict = { kind: "fault", reason: "request_parse_error", detail: input.detail } as const;
        return { verdict, revision, fuelUsed: undefined };
      }
      const started = monotonicMs();
      const nowNs = BigInt(wall) * 1_000_000n;
      const asking = network?.forDecision(deadline);
      const judged = ({ verdict, fuelUsed }: Decided): Judged => {
        observe({ durationMs: monotonicMs() - started - (asking?.waitedMs() ?? 0), fuelUsed });
        const { decisionId } = question.evaluation;
        keptInputs?.keep({ decisionId, time: wall, revision, inputJson: input.json, verdict: verdict.kind, fuelUsed });
        if (verdict.kind === "fault" && verdict.reason === "policy_budget_exceeded")
          suspensions.note(attemptOf(question, revision), monoMs);
        const asked = asking?.asked() ?? [];
        if (shadow?.isAsked() === true && revision !== undefined) {
          const said = { mode: "native", verdict } as const;
          const replies = asked.length === 0 ? undefined : asking?.replies;
          const body = call.http?.body.kind === "bytes" ? call.http.body.bytes.length : 0;
          const bytes = input.json.length + body;
          shadow.offer({ decisionId, nowNs, said, revision, input, reads, inputFor, replies, bytes });
        }
        return asked.length === 0 ? { verdict, revision, fuelUsed } : { verdict, revision, fuelUsed, asked };
      };
      if (asking === undefined) return judged(host.decide(input.json, { nowNs }));
      const decided = host.decideAsking(input.json, { nowNs }, asking);
      return decided instanceof Promise ? decided.then(judged) : judged(decided);
    },
  };
}

/** Nobody has a name while anonymous, so it is the address that counts. */
function attemptOf({ evaluation, caller, context }: PolicyQuestion, revision = ""): Attempt {
  const { http } = evaluation.call;
  const named = evaluation.question && namedCall(evaluation.question);
  const subject =
    caller.kind === "subject"
      ? JSON.stringify([caller.subject.issuer, caller.subject.id])
      : `anonymous ${JSON.stringify(context["source_address"])}`;
  return {
    revision,
    subject,
    method: http?.method ?? named?.method ?? evaluation.protocol,
    path: http?.path ?? named?.path ?? "",
  };
}
