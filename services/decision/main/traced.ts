/**
 * The decision path with a span for each decision and for each step that takes time: identify, evaluate, redeem, publish. Ports are wrapped, so
 * the path itself knows nothing of it, and without traces nothing is wrapped. A denial carries the traceparent of its decision, so that
 * everything that follows from it can be found.
 */
import { isAllow } from "../../../core/domain/decision.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { messaging, rpc } from "../../../platform/traces/conventions.ts";
import type { Traces } from "../../../platform/traces/traces.ts";
import { createEvaluate, type Ports } from "../evaluate.ts";
import type { Judge } from "../ext-authz/edge.ts";
import type { CompatJudged, CompatPolicy } from "../ext-authz/ports.ts";
import type { Evaluate, Evaluated, Evaluation, Judged, Mode } from "../ports.ts";

/** `system`: what denials travel by. */
export function traceDecisions(traces: Traces, ports: Ports, system: string): Evaluate {
  return tracedEvaluate(traces, createEvaluate(tracedPorts(traces, ports, system)));
}

function tracedPorts(traces: Traces, ports: Ports, system: string): Ports {
  const redeem = rpc("client", "countersign.v1.RedemptionService", "Redeem");
  const publish = messaging("send", TOPICS.denials.name, system);
  const { identity, policy, redemption, denials } = ports;
  return {
    ...ports,
    identity: {
      identify: (credentials, options) =>
        traces.span("identify", (span) => {
          const noted = <C extends { readonly kind: string }>(caller: C): C => {
            span.set({ "countersign.caller": caller.kind });
            return caller;
          };
          const caller = identity.identify(credentials, options);
          return caller instanceof Promise ? caller.then(noted) : noted(caller);
        }),
    },
    policy: {
      decide: (...asked) =>
        traces.span("evaluate", (span) => {
          const noted = (judged: Judged): Judged => {
            span.set({
              "countersign.verdict": judged.verdict.kind,
              "countersign.policy_revision": judged.revision ?? "",
            });
            return judged;
          };
          const judged = policy.decide(...asked);
          return judged instanceof Promise ? judged.then(noted) : noted(judged);
        }),
    },
    redemption: {
      redeem: (claim, deadline) =>
        traces.span(
          redeem.name,
          async (span) => {
            const outcome = await redemption.redeem(claim, deadline);
            span.set({ "countersign.grant_id": claim.grantId, "countersign.redemption": outcome.kind });
            return outcome;
          },
          redeem.options,
        ),
    },
    denials: {
      offers: (query) => denials.offers(query),
      publish: (ask, now, deadline) =>
        traces.span(
          publish.name,
          async (span) => {
            const published = await denials.publish(ask, now, deadline);
            span.set({ "countersign.published": published.kind });
            if (published.kind === "issued") span.set({ "countersign.denial_id": published.denial.id });
            return published;
          },
          publish.options,
        ),
    },
  };
}

function tracedEvaluate(traces: Traces, evaluate: Evaluate): Evaluate {
  return async (evaluation, options) => {
    const { evaluated } = await decisionSpan(traces, evaluation, options.mode, async (traceparent) => {
      const made = await evaluate({ ...evaluation, traceparent }, options);
      return { evaluated: { ...made, traceparent } };
    });
    return evaluated;
  };
}

/** Compatibility mode: the same span, with the policy's as its child. */
export function tracedJudge(traces: Traces, judge: Judge): Judge {
  return (call) =>
    decisionSpan(traces, call.evaluation, "enforce", async (traceparent) => {
      const judged = await judge(call);
      return { ...judged, evaluated: { ...judged.evaluated, traceparent } };
    });
}

export function tracedCompatPolicy(traces: Traces, policy: CompatPolicy): CompatPolicy {
  return {
    decide: (...asked) =>
      traces.span("evaluate", (span) => {
        const noted = (judged: CompatJudged): CompatJudged => {
          span.set({ "countersign.verdict": judged.result.kind, "countersign.policy_revision": judged.revision });
          return judged;
        };
        const judged = policy.decide(...asked);
        return judged instanceof Promise ? judged.then(noted) : noted(judged);
      }),
  };
}

function decisionSpan<T extends { readonly evaluated: Evaluated }>(
  traces: Traces,
  { decisionId, traceparent: parent }: Evaluation,
  mode: Mode,
  decide: (traceparent: string) => Promise<T>,
): Promise<T> {
  return traces.span(
    "decision",
    async (span) => {
      const judged = await decide(span.traceparent);
      const { decision } = judged.evaluated;
      span.set({
        "countersign.decision_id": decisionId,
        "countersign.mode": mode,
        "countersign.outcome": decision.kind === "allow" && !isAllow(decision) ? "deny" : decision.kind,
      });
      if (decision.kind === "deny") span.set({ "countersign.reason": decision.reason });
      return judged;
    },
    { parent, kind: "server" },
  );
}
