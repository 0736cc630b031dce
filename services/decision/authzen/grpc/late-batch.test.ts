/** A batch ends with its time or its caller, on either server: what is left is neither asked nor put on record. */
import { setTimeout as sleep } from "node:timers/promises";
import { credentials, Metadata, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createMetrics } from "../../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../../platform/programs/wait-until.ts";
import {
  DecisionServiceClient,
  type EvaluateBatchResponse,
  Mode,
  Semantic,
} from "../../../../proto/gen/countersign/v1/decision.ts";
import { createSharedPause } from "../../../../platform/shared-pause.ts";
import { askingBy, CALLERS } from "../../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../../test/samples/evaluation.ts";
import type { Deadline } from "../../ports.ts";
import { startDecisionServer } from "./server.ts";

const ITEMS = 200;
/** What an item takes: all of them take longer than any caller here waits. */
const ITEM_MS = 10;
const QUESTION = {
  subject: { type: "user", id: "dana", properties: undefined },
  action: { name: "read", properties: undefined },
  resource: { type: "file", id: "f1", properties: undefined },
  ...{ context: undefined, mode: Mode.MODE_ASK },
};
const pause = createSharedPause({ monotonicMs: () => performance.now() });

const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0).toReversed()) await end();
});

/** `onAsk`: with how many have been asked by then. */
async function start(
  grpcReflection: boolean,
  { onAsk, deadline }: { onAsk: (count: number) => unknown; deadline: Deadline },
) {
  let asked = 0;
  const metrics = createMetrics({ prefix: "t_" });
  const server = await startDecisionServer(
    {
      asking: askingBy(async () => {
        asked += 1;
        await onAsk(asked);
        return DENIED_BY_API;
      }),
      callers: CALLERS,
      ...{ newDeadline: () => deadline, monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      ...{ faults: { report: () => {} }, metrics, pause },
    },
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, maxMessageBytes: 65_536, maxInFlight: 4, deadlineMs: 5_000 },
      ...{ grpcReflection, maxBatch: ITEMS, drainMs: 500 },
    },
  );
  owned.push(() => server[Symbol.asyncDispose]());
  const client = new DecisionServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  owned.push(() => client.close());
  const batch = { evaluations: Array.from({ length: ITEMS }, () => QUESTION), semantic: Semantic.SEMANTIC_EXECUTE_ALL };
  const said = async (code: string) =>
    (await metrics.expose()).text.includes(`t_grpc_decision_calls_total{method="EvaluateBatch",status="${code}"} 1`);
  return { client, batch, said, asked: () => asked };
}

const LONG: Deadline = { leftMs: () => 5_000, within: () => LONG };

describe.each([
  ["on node:http2", false],
  ["with reflection", true],
])("%s", (_which, reflects) => {
  test("items for which no time is left are not evaluated, and the answer says which", async () => {
    let leftMs = 5_000;
    const deadline: Deadline = { leftMs: () => leftMs, within: () => deadline };
    const { client, batch, asked } = await start(reflects, { onAsk: () => (leftMs = 0), deadline });
    const { evaluations } = await new Promise<EvaluateBatchResponse>((resolve, reject) => {
      client.evaluateBatch(batch, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
    expect(asked()).toBe(1);
    expect(evaluations.map(({ reason }) => reason)).toEqual([
      DENIED_BY_API.decision.kind === "deny" ? DENIED_BY_API.decision.reason : "",
      ...Array.from({ length: ITEMS - 1 }, () => "deadline_exceeded"),
    ]);
  });

  test("nothing more is asked for a caller who has called it off", async () => {
    const { client, batch, said, asked } = await start(reflects, { onAsk: () => sleep(ITEM_MS), deadline: LONG });
    const code = await new Promise((resolve) => {
      const call = client.evaluateBatch(batch, (error) => resolve(error?.code));
      void waitUntil("the first item to be asked", 30_000, () => asked() > 0).then(() => call.cancel());
    });
    expect(code).toBe(status.CANCELLED);
    await waitUntil("the batch to end", 30_000, () => said("CANCELLED"));
    expect(asked()).toBeLessThan(ITEMS);
  });

  test("nor for one whose own deadline has passed", async () => {
    const { client, batch, said, asked } = await start(reflects, { onAsk: () => sleep(ITEM_MS), deadline: LONG });
    const code = await new Promise((resolve) => {
      client.evaluateBatch(batch, new Metadata(), { deadline: Date.now() + 300 }, (error) => resolve(error?.code));
    });
    expect(code).toBe(status.DEADLINE_EXCEEDED);
    await waitUntil("the batch to end", 30_000, () => said("CANCELLED"));
    expect(asked()).toBeLessThan(ITEMS);
  });
});
