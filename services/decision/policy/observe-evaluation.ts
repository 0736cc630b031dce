/** What is counted of every evaluation, in either mode: its time, its fuel, and whether it had to be stopped. */
import type { Metrics } from "../../../platform/metrics/metrics.ts";

const BUCKETS_S = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
const BUCKETS_FUEL = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000];

export type ObserveEvaluation = (evaluation: { readonly durationMs: number; readonly fuelUsed: number }) => void;

export function createObserveEvaluation(metrics: Metrics): ObserveEvaluation {
  const seconds = metrics.histogram("policy_evaluation_seconds", "time of one policy evaluation", BUCKETS_S);
  const fuel = metrics.histogram(
    "policy_fuel",
    "cost of one policy evaluation in units of fuel; policy.budget.timeMs allows a million each",
    BUCKETS_FUEL,
  );
  return ({ durationMs, fuelUsed }) => {
    seconds.observe(durationMs / 1_000);
    fuel.observe(fuelUsed);
  };
}
