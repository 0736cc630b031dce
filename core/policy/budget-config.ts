/** The section `policy.budget` of a configuration: what one evaluation may cost, in either service and either mode. */
import { Type } from "typebox";
import { DEFAULT_BUDGET, LONGEST_BUDGET_MS } from "./budget.ts";

export const BudgetSchema = Type.Object(
  {
    timeMs: Type.Integer({
      minimum: 1,
      maximum: Math.min(1_000, LONGEST_BUDGET_MS),
      default: DEFAULT_BUDGET.timeMs,
      description:
        "Limit of one evaluation, which is then stopped and denied (policy_budget_exceeded). It limits work, counted as fuel, of about this processor time (0.2 to 2 times, depending on what the policy does, on the machine of docs/performance.md, for the kinds of work that `npm run bench -- policy` measures). The amount of work is the same on every machine, so equal inputs get equal answers however busy it is.",
    }),
    memoryMib: Type.Integer({
      minimum: 8,
      maximum: 1_024,
      default: DEFAULT_BUDGET.memoryMib,
      description: "Memory of one policy instance, including the bundle's data and the input.",
    }),
  },
  { additionalProperties: false },
);
