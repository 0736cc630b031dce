/**
 * Asks an opa-envoy-plugin policy about one call: builds the input that the plugin would build, and evaluates. Faults of
 * built-ins inside the policy leave their expressions undefined, as they do there.
 */
import type { CompatPolicy as LoadedPolicy } from "../../../core/policy/compat-policy.ts";
import { type CompatInputOptions, createCompatInput } from "../../../core/policy/envoy-input/compat-input.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { CompatPolicy } from "../ports.ts";

const BUCKETS_S = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

export function createCompatPolicy(
  {
    policy,
    metrics,
    monotonicMs,
  }: { readonly policy: LoadedPolicy; readonly metrics: Metrics; readonly monotonicMs: () => number },
  options: CompatInputOptions,
): CompatPolicy {
  const seconds = metrics.histogram("policy_evaluation_seconds", "time of one policy evaluation", BUCKETS_S);
  const { revision } = policy;
  return {
    decide(request, now) {
      const input = createCompatInput(request, options);
      if (input.kind === "fault") return { result: { kind: "unparsable", message: input.message }, revision };
      const started = monotonicMs();
      const result = policy.evaluate(input.json, { nowNs: BigInt(now) * 1_000_000n });
      seconds.observe((monotonicMs() - started) / 1_000);
      return { result, revision };
    },
  };
}
