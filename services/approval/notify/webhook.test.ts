/** How a term of the webhook ends, and what it keeps while it lasts. On a real server: test/integration/approval/webhook.test.ts. */
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Lease } from "../../../platform/postgres/leadership.ts";
import type { Deliver } from "./deliver.ts";
import type { Due, DueRows } from "./due-rows.ts";
import { createWebhook } from "./webhook.ts";

const due = (id: string): Due => ({
  ...{ id, kind: "request_ended", body: "{}", createdAt: new Date(0), traceparent: undefined, now: 0 },
});
const unexpected = () => Promise.reject(new Error("not expected"));

/** One term, on a lease that is not lost. */
function term({
  rows,
  deliver = unexpected,
  next = () => new Promise(() => {}),
  signal,
}: {
  readonly rows: Partial<DueRows>;
  readonly deliver?: Deliver;
  readonly next?: () => Promise<void>;
  readonly signal: AbortSignal;
}): Promise<void> {
  const lease: Lease = { query: unexpected, transaction: unexpected, signal };
  const close = () => Promise.resolve();
  return createWebhook({
    rows: { due: () => Promise.resolve([]), markDelivered: unexpected, tryAgain: unexpected, ...rows },
    leadership: { run: (task) => task(lease), leading: true },
    wakeup: { next, close, [Symbol.asyncDispose]: close },
    deliver,
    log: createLog({ name: "test", level: "silent" }),
    metrics: createMetrics({ prefix: "test_" }),
  }).run(signal);
}

test("a delivery that cannot be recorded ends the term with its error, after the others have ended", async () => {
  const fault = new Error("the session is gone");
  const other = Promise.withResolvers<void>();
  const told: string[] = [];
  let asked = 0;
  const ended = term({
    rows: {
      due: () => Promise.resolve((asked += 1) === 1 ? [due("bad"), due("slow")] : []),
      markDelivered: (_on, id) => (id === "bad" ? Promise.reject(fault) : Promise.resolve()),
    },
    async deliver({ id }) {
      if (id === "slow") await other.promise;
      told.push(id);
      return { kind: "delivered" };
    },
    signal: new AbortController().signal,
  });
  const outcome = ended.catch((error: unknown) => told.push(String(error)));
  await turn();
  expect(told).toEqual(["bad"]);
  other.resolve();
  await outcome;
  expect(told).toEqual(["bad", "slow", String(fault)]);
  await expect(ended).rejects.toBe(fault);
  expect(asked).toBe(1);
});

test("nothing new is begun after a failure that came while the next were asked for", async () => {
  const begun: string[] = [];
  let asked = 0;
  const ended = term({
    rows: {
      async due() {
        asked += 1;
        if (asked > 1) await turn();
        return [due(`n${asked}`)];
      },
      markDelivered: () => Promise.reject(new Error("refused")),
    },
    next: () => Promise.resolve(),
    async deliver({ id }) {
      begun.push(id);
      await Promise.resolve();
      return { kind: "delivered" };
    },
    signal: new AbortController().signal,
  });
  await expect(ended).rejects.toThrow("refused");
  expect(begun).toEqual(["n1"]);
});

test("a term keeps nothing of the turns that are over", async () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  const stop = new AbortController();
  let turns = 0;
  const held: number[] = [];
  await term({
    rows: {
      async due() {
        await turn();
        turns += 1;
        if (turns % 10_000 === 0) {
          if (typeof collect === "function") collect();
          held.push(process.memoryUsage().heapUsed);
        }
        if (turns === 30_000) stop.abort();
        return [];
      },
    },
    next: () => Promise.resolve(),
    signal: stop.signal,
  });
  const [, second = 0, third = 0] = held;
  expect(third - second).toBeLessThan(1_000_000); // a promise of each would be three times as much
});
