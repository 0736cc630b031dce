/**
 * The decision path with a span for each decision and for each step that takes time: identify, evaluate, redeem, publish. Ports are wrapped,
 * so the path itself knows nothing of it, and without traces nothing is wrapped. A denial carries the traceparent of its decision, by which
 * what becomes of it can be found again.
 */
import { isAllow } from "../../../core/domain/decision.ts";
import type { TracesConfig } from "../../../platform/traces/config.ts";
import { startTraces, type Traces } from "../../../platform/traces/traces.ts";
import { createEvaluate, type Ports } from "../evaluate.ts";
import type { Evaluate } from "../ports.ts";

/** `config` undefined: the path as it is. `own` is told of the traces, which end with the process. */
export async function withTraces(
  config: TracesConfig | undefined,
  { own, instance }: { readonly own: (traces: Traces) => Traces; readonly instance: string },
  ports: Ports,
): Promise<Evaluate> {
  if (config === undefined) return createEvaluate(ports);
  return traceDecisions(own(await startTraces(config, { service: "countersign-decision", instance })), ports);
}

export function traceDecisions(traces: Traces, ports: Ports): Evaluate {
  return tracedEvaluate(traces, createEvaluate(tracedPorts(traces, ports)));
}

function tracedPorts(traces: Traces, ports: Ports): Ports {
  const { identity, policy, redemption, denials } = ports;
  return {
    ...ports,
    identity: {
      identify: (credentials, now) =>
        traces.span("identify", async (span) => {
          const caller = await identity.identify(credentials, now);
          span.set({ "countersign.caller": caller.kind });
          return caller;
        }),
    },
    policy: {
      decide: (question, clocks) =>
        traces.span("evaluate", (span) => {
          const judged = policy.decide(question, clocks);
          span.set({
            "countersign.verdict": judged.verdict.kind,
            "countersign.policy_revision": judged.revision ?? "",
          });
          return judged;
        }),
    },
    redemption: {
      redeem: (claim, deadline) =>
        traces.span("redeem", async (span) => {
          const outcome = await redemption.redeem(claim, deadline);
          span.set({ "countersign.grant_id": claim.grantId, "countersign.redemption": outcome.kind });
          return outcome;
        }),
    },
    denials: {
      offers: (query) => denials.offers(query),
      publish: (ask, now, deadline) =>
        traces.span("publish", async (span) => {
          const published = await denials.publish(ask, now, deadline);
          span.set({ "countersign.published": published.kind });
          if (published.kind === "issued") span.set({ "countersign.denial_id": published.denial.id });
          return published;
        }),
    },
  };
}

function tracedEvaluate(traces: Traces, evaluate: Evaluate): Evaluate {
  return (evaluation, options) =>
    traces.span(
      "decision",
      async (span) => {
        const evaluated = await evaluate({ ...evaluation, traceparent: span.traceparent }, options);
        const { decision } = evaluated;
        span.set({
          "countersign.decision_id": evaluation.decisionId,
          "countersign.mode": options.mode,
          "countersign.outcome": decision.kind === "allow" && !isAllow(decision) ? "deny" : decision.kind,
        });
        if (decision.kind === "deny") span.set({ "countersign.reason": decision.reason });
        return evaluated;
      },
      { parent: evaluation.traceparent },
    );
}
