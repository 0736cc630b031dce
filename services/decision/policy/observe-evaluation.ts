/** Counts every evaluation, in either mode: its time, its fuel, and whether it had to be stopped. */
import type { Metrics } from "../../../platform/metrics/metrics.ts";

const BUCKETS_S = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
/** NB: beyond any budget that is common, so that an evaluation that was stopped lies in a bucket of its own size and not above all. */
const BUCKETS_FUEL = [1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9];

export type ObserveEvaluation = (evaluation: { readonly durationMs: number; readonly fuelUsed: number }) => void;

export function createObserveEvaluation(metrics: Metrics): ObserveEvaluation {
  const seconds = metrics.histogram("policy_evaluation_seconds", "time of one policy evaluation", BUCKETS_S);
  const fuel = metrics.histogram(
    "policy_fuel",
    "cost of one policy evaluation in units of fuel; each millisecond of policy.budget.timeMs allows 2,700,000",
    BUCKETS_FUEL,
  );
  return ({ durationMs, fuelUsed }) => {
    seconds.observe(durationMs / 1_000);
    fuel.observe(fuelUsed);
  };
}
