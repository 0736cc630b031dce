/**
 * Evaluates the active policy for one call: builds its input and evaluates. A call that cannot be described to a policy is a fault
 * (`request_parse_error`), as in opa-envoy-plugin. A caller whose evaluations exceed their budget too often is not evaluated for a while
 * (suspensions.ts).
 */
import { namedCall } from "../../../core/domain/question.ts";
import { createDecisionInput } from "../../../core/policy/envoy-input/decision-input.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import type { PolicyHost } from "../../../core/policy/policy-host.ts";
import type { Judged, Policy, PolicyQuestion } from "../ports.ts";
import type { Shadow } from "../shadow/ports.ts";
import { createEvaluating, type EvaluatingDeps } from "./evaluating.ts";
import { accountName, type Attempt } from "./suspensions.ts";

type PolicyDeps = EvaluatingDeps & {
  readonly host: Pick<PolicyHost, "decide" | "decideAsking" | "inputReads" | "revision">;
  /** Is told what was asked and answered, for a candidate to be compared. */
  readonly shadow?: Shadow;
};

export function createPolicy(deps: PolicyDeps): Policy {
  const { host, suspensions, shadow, keptInputs } = deps;
  const evaluating = createEvaluating(deps);
  return {
    decide(question, clocks, deadline) {
      const { call, question: asked } = question.evaluation;
      const subject = question.caller.kind === "subject" ? question.caller.subject : undefined;
      const revision = host.revision();
      if (suspensions.isSuspended(() => attemptOf(question, revision), clocks.monoMs)) {
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
      const { decisionId } = question.evaluation;
      return evaluating(
        {
          decisionId,
          revision,
          inputJson: input.json,
          clocks,
          deadline,
          attempt: () => attemptOf(question, revision),
          evaluate: (time, asking) =>
            asking === undefined ? host.decide(input.json, time) : host.decideAsking(input.json, time, asking),
          outcomeOf: ({ verdict }) => verdict,
        },
        ({ verdict, fuelUsed }, { nowNs, asked: hosts, replies }): Judged => {
          if (shadow?.isAsked() === true && revision !== undefined) {
            const said = { mode: "native", verdict } as const;
            const body = call.http?.body.kind === "bytes" ? call.http.body.bytes.length : 0;
            const bytes = input.json.length + body;
            shadow.offer({ decisionId, nowNs, said, revision, input, reads, inputFor, replies, bytes });
          }
          return hosts === undefined ? { verdict, revision, fuelUsed } : { verdict, revision, fuelUsed, asked: hosts };
        },
      );
    },
  };
}

/** Anonymous callers are told apart by address. */
function attemptOf({ evaluation, caller, context }: PolicyQuestion, revision = ""): Attempt {
  const { http } = evaluation.call;
  const named = evaluation.question && namedCall(evaluation.question);
  const subject =
    caller.kind === "subject" ? accountName(caller.subject) : `anonymous ${JSON.stringify(context["source_address"])}`;
  return {
    revision,
    subject,
    method: http?.method ?? named?.method ?? evaluation.protocol,
    path: http?.path ?? named?.path ?? "",
  };
}
