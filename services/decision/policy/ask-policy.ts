/**
 * Asks the active policy about one call: builds its input and evaluates. A call that cannot be described to a policy is
 * a fault (`request_parse_error`), as opa-envoy-plugin has it. An evaluation beyond its budget is counted, since it eats
 * what publishing and redeeming need; the deadline of the whole check is what ends it.
 */
import { createAttributes } from "../../../core/policy/envoy-input/attributes.ts";
import { createDecisionInput } from "../../../core/policy/envoy-input/decision-input.ts";
import type { PolicyHost } from "../../../core/policy/policy-host.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Policy } from "../ports.ts";

const BUCKETS_S = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

export function createPolicy({
  host,
  metrics,
  monotonicMs,
}: {
  readonly host: PolicyHost;
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
}): Policy {
  const seconds = metrics.histogram(
    "policy_evaluation_seconds",
    "time of one policy evaluation; budget 0.05",
    BUCKETS_S,
  );
  return {
    decide({ evaluation, caller, context }, now) {
      const started = monotonicMs();
      const { call } = evaluation;
      const subject = caller.kind === "subject" ? caller.subject : undefined;
      const revision = host.revision();
      const input = createDecisionInput({ http: call.http, attributes: createAttributes(call) }, subject, context);
      if (input.kind === "fault") {
        return { verdict: { kind: "fault", reason: "request_parse_error", detail: input.detail }, revision };
      }
      const verdict = host.decide(input.json, { nowNs: BigInt(now) * 1_000_000n });
      seconds.observe((monotonicMs() - started) / 1_000);
      return { verdict, revision };
    },
  };
}
