import { expect, test } from "@jest/globals";
import { type Deny, deny } from "../../../core/domain/decision.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { BY_API, evaluationOf } from "../../../test/samples/evaluation.ts";
import type { Evaluation } from "../ports.ts";
import { createObserveDecision } from "./observe-decision.ts";

function linesOf(
  evaluation: Evaluation,
  decision: Deny,
  level: "debug" | "info" = "debug",
  timesMs: readonly number[] = [0],
): readonly string[] {
  const lines: string[] = [];
  const log = createLog({ name: "test", level, destination: { write: (line) => void lines.push(line) } });
  let nowMs = 0;
  const observe = createObserveDecision({ log, metrics: createMetrics({ prefix: "t_" }), monotonicMs: () => nowMs });
  for (nowMs of timesMs) observe({ decision, subject: undefined, policyRevision: "r1" }, evaluation, 1);
  return lines;
}

function lineOf(evaluation: Evaluation): unknown {
  return JSON.parse(linesOf(evaluation, deny("no_rule_matched")).join(""));
}

test("a policy that has more to show reviewers than they are shown is told of where nobody asked for debugging, with what to mend", () => {
  expect(linesOf(evaluationOf(), deny("policy_denied", ["outside_hours"]), "info")).toEqual([]);
  const detail = 'the display of elevation "refund" has 1 lines and 5001 bytes';
  const [line = ""] = linesOf(evaluationOf(), deny("display_too_large", [detail]), "info");
  expect(JSON.parse(line)).toMatchObject({ event: "display_too_large", detail, path: "/orders/42" });
});

test("a caller who goes on asking for it fills no disk: of a hundred at once ten are told of, and the next line says how many were not", () => {
  const times = [...Array.from({ length: 100 }, () => 0), 6_000];
  const unlogged = linesOf(evaluationOf(), deny("display_too_large", ["detail"]), "info", times).map(
    (line) => Object(JSON.parse(line))["unlogged"],
  );
  expect(unlogged).toEqual([...Array.from({ length: 10 }, () => 0), 90]);
});

test("a decision that a client of the API asked for is logged with that client, and a check without one", () => {
  expect(lineOf(evaluationOf())).not.toHaveProperty("client");
  expect(lineOf(evaluationOf())).toMatchObject({ event: "decision", method: "DELETE", path: "/orders/42" });
  expect(lineOf({ ...BY_API, client: "gateway" })).toMatchObject({ event: "decision", client: "gateway" });
});
