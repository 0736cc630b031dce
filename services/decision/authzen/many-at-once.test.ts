/**
 * Searches and batches, many at once: what one turn of the event loop does for all of them together is what it does for one. By a clock that each step
 * moves on, so that steps are counted and not the speed of a machine.
 */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createSharedPause, type Pause } from "../../../platform/shared-pause.ts";
import { EvaluateBatchRequest, Mode, Semantic } from "../../../proto/gen/countersign/v1/decision.ts";
import { askingBy, CALLERS } from "../../../test/samples/asking.ts";
import { DENIED_BY_API, LEFT } from "../../../test/samples/evaluation.ts";
import { evaluateBatch } from "./evaluate-batch.ts";
import { createDecisionMethods } from "./grpc/methods.ts";
import { search } from "./search.ts";

const MANY = 32;
const ITEMS = 10;
const PER_TURN_MS = 2;
const DECISION_MS = 1;
const LIST_MS = 50;
/** What is begun and the first turn behind it are seen together. */
const MOST_MS = 2 * PER_TURN_MS;

const entity = { type: "file", id: "f1", properties: {} };
const QUESTION = {
  ...{ subject: { type: "user", id: "dana", properties: {} }, action: { name: "read", properties: {} } },
  ...{ resource: entity, context: {} },
};
const isGone = () => false;

/** Moves the clock on by what a step takes. */
type World = { readonly pause: Pause; decided(): void; listed(): void };

function searchOnce({ pause, decided, listed }: World): Promise<unknown> {
  return search(
    {
      list() {
        listed();
        return { kind: "candidates", revision: "r", entities: Array.from({ length: ITEMS }, () => entity) };
      },
      async decide() {
        decided();
        return deny("policy_denied", []);
      },
      pause,
    },
    { sought: "resource", question: QUESTION },
    undefined,
    { deadline: LEFT, isGone },
  );
}

function batchOnce({ pause, decided }: World): Promise<unknown> {
  const parts = { requestUrl: undefined, accessRequests: undefined, grants: { standing: () => "unknown" as const } };
  const ask = async () => {
    decided();
    return DENIED_BY_API;
  };
  const items = Array.from({ length: ITEMS }, () => ({}));
  return evaluateBatch(ask, QUESTION, items, { semantic: "execute_all", parts, deadline: LEFT, isGone, pause });
}

function grpcBatchOnce({ pause, decided }: World): Promise<unknown> {
  const ask = async () => {
    decided();
    return DENIED_BY_API;
  };
  const { evaluateBatch: answer } = createDecisionMethods(
    {
      ...{ asking: askingBy(ask), callers: CALLERS, pause, newDeadline: () => LEFT },
      ...{ faults: { report: () => {} }, metrics: createMetrics({ prefix: "t_" }) },
    },
    { maxBatch: ITEMS },
  );
  const evaluations = Array.from({ length: ITEMS }, () => ({ ...QUESTION, mode: Mode.MODE_ASK }));
  const message = EvaluateBatchRequest.encode({ evaluations, semantic: Semantic.SEMANTIC_EXECUTE_ALL }).finish();
  return answer(
    Buffer.from(message),
    { leftMs: LEFT.leftMs(), shed: false, traceparent: undefined, isGone },
    { authorization: () => [], certificateNames: () => [], certificate: () => undefined },
  );
}

test.each([
  ["searches", searchOnce, 1],
  ["batches over HTTP", batchOnce, 0],
  ["batches over gRPC", grpcBatchOnce, 0],
])("of many %s at once a turn does what it does of one", async (_what, once, lists) => {
  let nowMs = 0;
  let [decided, listed] = [0, 0];
  const world: World = {
    pause: createSharedPause({ monotonicMs: () => nowMs }, { perTurnMs: PER_TURN_MS }),
    decided() {
      decided += 1;
      nowMs += DECISION_MS;
    },
    listed() {
      listed += 1;
      nowMs += LIST_MS;
    },
  };
  let isOver = false;
  const all = Promise.all(Array.from({ length: MANY }, () => once(world))).finally(() => (isOver = true));
  const most = { decided: 0, listed: 0 };
  while (!isOver) {
    const before = { decided, listed };
    await turn();
    most.decided = Math.max(most.decided, decided - before.decided);
    most.listed = Math.max(most.listed, listed - before.listed);
  }
  await all;
  expect({ decided, listed }).toEqual({ decided: MANY * ITEMS, listed: MANY * lists });
  expect(most.decided).toBeLessThanOrEqual(MOST_MS / DECISION_MS);
  // Each takes longer than all of a turn.
  expect(most.listed).toBeLessThanOrEqual(2);
});
