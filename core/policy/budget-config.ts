/** The section `policy.budget` of a configuration: what one evaluation may take, in either service and either mode. */
import { Type } from "typebox";
import { DEFAULT_BUDGET, LONGEST_BUDGET_MS } from "./budget.ts";

export const BudgetSchema = Type.Object(
  {
    timeMs: Type.Integer({
      minimum: 1,
      maximum: Math.min(1_000, LONGEST_BUDGET_MS),
      default: DEFAULT_BUDGET.timeMs,
      description:
        "What one evaluation may cost before it is stopped and denied (policy_budget_exceeded): work, counted as fuel, of about this processor time (0.2 to 2 times of it on the machine of docs/performance.md, by what the policy does, for the kinds of work that `npm run bench -- policy` measures). It is the same amount on every machine, so that equal inputs are answered alike however busy it is.",
    }),
    memoryMib: Type.Integer({
      minimum: 8,
      maximum: 1_024,
      default: DEFAULT_BUDGET.memoryMib,
      description: "Memory of one policy instance, the bundle's data and the input included.",
    }),
  },
  { additionalProperties: false },
);
