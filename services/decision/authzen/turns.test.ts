/** Requests over HTTP that are there at once are read and evaluated in turns of the event loop, by every way, and only so many wait for one. */
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { askingBy } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";
import type { ApiCallers } from "../api/ports.ts";
import { startAuthzenServer } from "./server.ts";

const MANY = 120;
/** As they arrive, and once more behind them. */
const MOST_PER_TURN = 2 * 16;
const LEFT = { leftMs: () => 450, within: () => LEFT };
const callers: ApiCallers = {
  authenticate: async () => ({ kind: "client", client: { name: "c", subjects: new Map(), enforcer: false } }),
  vouch: () => ({ kind: "refused", reason: "subject_not_trusted" }),
  inOwnWords: (_caller, question) => question,
};

const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0).toReversed()) await end();
});

async function start(maxInFlight: number) {
  const counts = { asked: 0 };
  async function decide() {
    counts.asked += 1;
    return DENIED_BY_API;
  }
  const server = await startAuthzenServer(
    {
      ...{ callers, maxBatch: 2, newRequestId: () => "ours", metrics: createMetrics({ prefix: "t_" }) },
      faults: { report: (error) => void process.stderr.write(`fault: ${String(error)}\n`) },
      asking: askingBy(decide, callers),
      evaluateAside: decide,
      candidates: {
        offered: () => true,
        list: () => ({ kind: "candidates", revision: "r", entities: [{ type: "file", id: "1", properties: {} }] }),
      },
      readClocks: () => ({ wall: instant(Date.now()), monoMs: performance.now() }),
      newDeadline: () => LEFT,
      pause: async () => {},
      answers: { requestUrl: undefined, accessRequests: undefined, grants: { standing: () => "unknown" } },
    },
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, baseUrl: "https://pdp.example" },
      ...{ maxBodyBytes: 4_096, maxInFlight, drainMs: 500 },
    },
  );
  owned.push(() => server[Symbol.asyncDispose]());
  return { counts, port: server.port };
}

const QUESTION = {
  ...{ subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file", id: "1" } },
};
const BATCH = { ...QUESTION, evaluations: [{}] };
const TYPE = "application/json";
/** fastify takes this spelling of the type too, direct.ts does not. */
const OTHER_TYPE = "application/json;charset=utf-8";

const WAYS = [
  ["evaluations", "evaluation", TYPE, QUESTION],
  ["evaluations by the framework", "evaluation", OTHER_TYPE, QUESTION],
  ["batches", "evaluations", TYPE, BATCH],
  ["batches by the framework", "evaluations", OTHER_TYPE, BATCH],
  ["searches", "search/resource", TYPE, QUESTION],
] as const;

/** All at once, behind each other on one connection; gives how often each status was answered when all are. */
async function answersTo(
  port: number,
  {
    at,
    type,
    body,
    count,
  }: { readonly at: string; readonly type: string; readonly body: object; readonly count: number },
  everyTurn: () => void,
): Promise<Map<string, number>> {
  const text = JSON.stringify(body);
  const one = `POST /access/v1/${at} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  const socket = connect(port, "127.0.0.1");
  owned.push(() => socket.destroy());
  let got = "";
  socket.on("error", () => {}).on("data", (chunk: Buffer) => (got += chunk.toString()));
  socket.write(one.repeat(count));
  const statuses = () => [...got.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = ""]) => status);
  while (statuses().length < count && !socket.destroyed) {
    everyTurn();
    await turn();
  }
  const counted = new Map<string, number>();
  for (const status of statuses()) counted.set(status, (counted.get(status) ?? 0) + 1);
  return counted;
}

test.each(WAYS)("of many %s at once no turn does more than what begins in it", async (_what, at, type, body) => {
  const { counts, port } = await start(MANY);
  let [before, most] = [0, 0];
  const answers = await answersTo(port, { at, type, body, count: MANY }, () => {
    most = Math.max(most, counts.asked - before);
    before = counts.asked;
  });
  expect(answers).toEqual(new Map([["200", MANY]]));
  expect(counts.asked).toBe(MANY);
  expect(most).toBeLessThanOrEqual(MOST_PER_TURN);
});

test("what is more than may wait for a turn is told so at once, and asks nothing", async () => {
  const { counts, port } = await start(20);
  const answers = await answersTo(port, { at: "evaluation", type: TYPE, body: QUESTION, count: 250 }, () => {});
  expect(answers.get("503")).toBeGreaterThan(0);
  // As many as begin, and four times the places behind them.
  expect(answers.get("200")).toBeGreaterThanOrEqual(16 + 80);
  expect(counts.asked).toBe(answers.get("200"));
});
