import { expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { BY_API, evaluationOf } from "../../../test/samples/evaluation.ts";
import type { Evaluation } from "../ports.ts";
import { createObserveDecision } from "./observe-decision.ts";

function lineOf(evaluation: Evaluation): unknown {
  const lines: string[] = [];
  const log = createLog({ name: "test", level: "debug", destination: { write: (line) => void lines.push(line) } });
  const observe = createObserveDecision({ log, metrics: createMetrics({ prefix: "t_" }) });
  observe({ decision: deny("no_rule_matched"), subject: undefined, policyRevision: "r1" }, evaluation, 1);
  return JSON.parse(lines.join(""));
}

test("a decision that a client of the API asked for is logged with that client, and a check without one", () => {
  expect(lineOf(evaluationOf())).not.toHaveProperty("client");
  expect(lineOf(evaluationOf())).toMatchObject({ event: "decision", method: "DELETE", path: "/orders/42" });
  expect(lineOf({ ...BY_API, client: "gateway" })).toMatchObject({ event: "decision", client: "gateway" });
});
