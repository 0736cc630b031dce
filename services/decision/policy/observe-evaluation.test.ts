import { expect, test } from "@jest/globals";
import { allowanceOf, DEFAULT_BUDGET, FUEL_PER_MS } from "../../../core/policy/budget.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createObserveEvaluation } from "./observe-evaluation.ts";

test("what was stopped at twice the default budget is told from what cost even more", async () => {
  const metrics = createMetrics({ prefix: "x_" });
  const { fuel } = allowanceOf({ ...DEFAULT_BUDGET, timeMs: 2 * DEFAULT_BUDGET.timeMs });
  createObserveEvaluation(metrics)({ durationMs: 1, fuelUsed: fuel });
  const { text } = await metrics.expose();
  expect(text).toMatch(/^x_policy_fuel_bucket\{le="\d+"\} 1$/m);
});

test("the metric says how much fuel a millisecond of the budget is", async () => {
  const metrics = createMetrics({ prefix: "x_" });
  createObserveEvaluation(metrics);
  const { text } = await metrics.expose();
  expect(text).toContain(`each millisecond of policy.budget.timeMs allows ${FUEL_PER_MS.toLocaleString("en")}`);
});
