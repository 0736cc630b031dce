/**
 * Callers who hang up before the answer, or never send all of a body, by every way through HTTP: no more is under way at once than there are places,
 * whoever has left; long work ends with its caller; and a place is for a whole body.
 */
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createSharedPause } from "../../../platform/shared-pause.ts";
import { askingBy } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";
import type { ApiCallers } from "../api/ports.ts";
import { startAuthzenServer } from "./server.ts";

const PLACES = 2;
const ITEMS = 50;
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

/** Every question waits at the gate. */
async function start() {
  const gate = Promise.withResolvers<void>();
  const counts = { asked: 0, underWay: 0, most: 0, ended: 0 };
  async function decide() {
    counts.asked += 1;
    counts.underWay += 1;
    counts.most = Math.max(counts.most, counts.underWay);
    await gate.promise;
    counts.underWay -= 1;
    return DENIED_BY_API;
  }
  const metrics = createMetrics({ prefix: "t_" });
  const server = await startAuthzenServer(
    {
      ...{ callers, metrics, maxBatch: ITEMS, newRequestId: () => "ours" },
      faults: { report: (error) => void process.stderr.write(`fault: ${String(error)}\n`) },
      asking: askingBy(decide, callers),
      evaluateAside: decide,
      candidates: {
        offered: () => true,
        list: () => ({
          ...{ kind: "candidates", revision: "r" },
          entities: Array.from({ length: ITEMS }, (_, n) => ({ type: "file", id: `${n}`, properties: {} })),
        }),
      },
      readClocks: () => ({ wall: instant(Date.now()), monoMs: performance.now() }),
      newDeadline: () => LEFT,
      pause: createSharedPause({ monotonicMs: () => performance.now() }),
      answers: { requestUrl: undefined, accessRequests: undefined, grants: { standing: () => "unknown" } },
    },
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, baseUrl: "https://pdp.example" },
      ...{ maxBodyBytes: 16_384, maxInFlight: PLACES, drainMs: 500 },
    },
  );
  owned.push(() => server[Symbol.asyncDispose]());
  owned.push(() => gate.resolve());
  const left = async () => {
    const lines = (await metrics.expose()).text.matchAll(/request_seconds_count\{.*status="499"\} (\d+)/g);
    return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  return { counts, left, open: gate.resolve, sends: sender(server.port) };
}

function sender(port: number) {
  return (text: string) => {
    const socket: Socket = connect(port, "127.0.0.1");
    owned.push(() => socket.destroy());
    let got = "";
    socket.on("error", () => {}).on("data", (chunk: Buffer) => (got += chunk.toString()));
    socket.write(text);
    return { socket, status: () => /HTTP\/1\.1 (\d+)/.exec(got)?.[1] };
  };
}

const QUESTION = {
  ...{ subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file", id: "1" } },
};
const BATCH = { ...QUESTION, evaluations: Array.from({ length: ITEMS }, () => ({})) };
/** fastify takes this spelling of the type too, direct.ts does not. */
const OTHER_TYPE = "application/json;charset=utf-8";
const TYPE = "application/json";

type Way = readonly [what: string, at: string, type: string, body: object];

function request([, at, type, body]: Way, bytes = Number.POSITIVE_INFINITY): string {
  const whole = JSON.stringify(body);
  return `POST /access/v1/${at} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${whole.length}\r\n\r\n${whole.slice(0, bytes)}`;
}

const WAYS: readonly Way[] = [
  ["an evaluation", "evaluation", TYPE, QUESTION],
  ["an evaluation by the framework", "evaluation", OTHER_TYPE, QUESTION],
  ["a batch", "evaluations", TYPE, BATCH],
  ["a batch by the framework", "evaluations", OTHER_TYPE, BATCH],
  ["a search", "search/resource", TYPE, QUESTION],
];

test.each(WAYS)("%s: of callers who hang up no more are under way at once than there are places", async (...way) => {
  const { counts, left, open, sends } = await start();
  for (let caller = 1; caller <= PLACES; caller += 1) {
    const { socket } = sends(request(way));
    await waitUntil("the question", 2_000, () => counts.asked === caller);
    socket.destroy();
    await waitUntil("it to be gone", 2_000, async () => (await left()) === caller);
  }
  // NB: without a place nothing is read either: what is no JSON is not told so.
  for (const text of WAYS.flatMap((other) => [request(other), request(other).replace('{"subject"', '["subject"')])) {
    const { status } = sends(text);
    await waitUntil("an answer", 2_000, () => status() !== undefined);
    expect(status()).toBe("503");
  }
  expect(counts).toMatchObject({ asked: PLACES, most: PLACES });
  open();
  await waitUntil("what was begun to end", 2_000, () => counts.underWay === 0);
  const { status } = sends(request(way));
  await waitUntil("an answer", 2_000, () => status() !== undefined);
  expect(status()).toBe("200");
});

test.each(WAYS.slice(2))("%s: nothing more is asked for a caller who has gone", async (...way) => {
  const { counts, left, open, sends } = await start();
  const { socket } = sends(request(way));
  await waitUntil("the first question", 2_000, () => counts.asked === 1);
  socket.destroy();
  await waitUntil("it to be gone", 2_000, async () => (await left()) === 1);
  open();
  const { status } = sends(request(way));
  await waitUntil("an answer to another", 5_000, () => status() === "200");
  expect(counts.asked).toBe(1 + ITEMS);
});

test.each(WAYS)("%s: half bodies, however many, take no place from whoever sends a whole one", async (...way) => {
  const { open, sends } = await start();
  open();
  const halves = WAYS.flatMap((other) => Array.from({ length: PLACES + 1 }, () => sends(request(other, 9))));
  await Promise.all(halves.map(({ socket }) => new Promise((resolve) => socket.write("", resolve))));
  for (let turn = 0; turn <= PLACES; turn += 1) {
    const { status } = sends(request(way));
    await waitUntil("an answer", 2_000, () => status() !== undefined);
    expect(status()).toBe("200");
  }
  expect(halves.map(({ status }) => status())).toEqual(halves.map(() => undefined));
});
