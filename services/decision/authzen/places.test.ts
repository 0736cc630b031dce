/** A place among the requests at once is given back whatever becomes of its caller, on both ways through HTTP; what was begun for one who left is finished. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import { createMetrics, type Metrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { OTHER_TYPE, requestText, startAuthzen, TYPE, type Way } from "../../../test/harness/authzen-server.ts";
import { askingBy, CALLERS } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";
import type { ApiCallers } from "../api/ports.ts";

const PLACES = 2;
const callers: ApiCallers = {
  ...CALLERS,
  async authenticate(shown, isLate) {
    const [first] = shown.authorization;
    if (first === undefined) return { kind: "refused", reason: "authentication_required" };
    if (first === "slow") await passing();
    return CALLERS.authenticate(shown, isLate);
  },
};

let metrics: Metrics;
let server: Awaited<ReturnType<typeof startAuthzen>>;
let underWay: ReturnType<typeof createUnderWay>;
let gate: PromiseWithResolvers<void>;
/** Have come to the gate; are decided. */
let [waiting, decided] = [0, 0];
const faults: unknown[] = [];

async function passing(): Promise<void> {
  waiting += 1;
  await gate.promise;
}

const ask: Parameters<typeof askingBy>[0] = async ({ action: { name } }) => {
  if (name === "wait") await passing();
  decided += 1;
  if (name === "throw") throw new Error("a fault of ours");
  return DENIED_BY_API;
};

beforeEach(async () => {
  [waiting, decided, gate, metrics] = [0, 0, Promise.withResolvers<void>(), createMetrics({ prefix: "t_" })];
  underWay = createUnderWay();
  server = await startAuthzen(
    {
      ...{ callers, metrics, asking: askingBy(ask, callers, underWay) },
      faults: { report: (error) => faults.push(error) },
    },
    { maxInFlight: PLACES },
  );
});
afterEach(async () => {
  gate.resolve();
  await server[Symbol.asyncDispose]();
  faults.length = 0;
});

const DIRECT: Way = { at: "evaluation", type: TYPE };
const BY_FASTIFY: Way = { at: "evaluation", type: OTHER_TYPE };
const SEARCH: Way = { at: "search/subject", type: TYPE };
const WAYS = [
  ["directly", DIRECT],
  ["by the framework", BY_FASTIFY],
] as const;

/** `as`: nobody without. `bytes`: how much of the body. */
function request(way: Way, name: string, { as = "c", bytes = Number.POSITIVE_INFINITY } = {}): string {
  const body = {
    ...{ subject: { type: "user", id: "dana" }, action: { name }, resource: { type: "f", id: "1" } },
  };
  return requestText({ ...way, body }, { bytes, more: as === "" ? "" : `authorization: ${as}\r\n` });
}

async function statusOf(text: string): Promise<number | undefined> {
  const { socket, statuses } = server.sends(text);
  const [status] = await waitUntil("an answer", 30_000, () => statuses().length > 0 && statuses());
  socket.destroy();
  return status;
}

/** Requests that have ended, by status. */
async function ended(): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.expose()).text.matchAll(/request_seconds_count\{.*status="(\d+)"\} (\d+)/g);
  const counts = new Map<string, number>();
  for (const [, status = "", count] of lines) counts.set(status, (counts.get(status) ?? 0) + Number(count));
  return counts;
}

const haveEnded = (count: number, status: string) =>
  waitUntil(`${count} with ${status}`, 30_000, async () => (await ended()).get(status) === count);

async function expectAllPlaces(): Promise<void> {
  for (let turn = 0; turn <= PLACES; turn += 1) {
    for (const [, way] of WAYS) expect(await statusOf(request(way, "look"))).toBe(200);
  }
  expect(faults).toEqual([]);
}

test.each([...WAYS, ["with a search", SEARCH] as const])(
  "%s: who leaves with half a body keeps no place, and is counted as gone",
  async (_how, way) => {
    for (let count = 1; count <= PLACES + 1; count += 1) {
      const { socket } = server.sends(request(way, "look", { bytes: 9 }));
      socket.write("", () => setImmediate(() => socket.destroy()));
      await haveEnded(count, "499");
    }
    await expectAllPlaces();
  },
);

test.each(WAYS)(
  "%s: requests of nobody, answered and never taken, keep no place when their connection ends",
  async (_how, way) => {
    const { socket } = server.sends(request(way, "wait") + request(way, "look", { as: "" }).repeat(20));
    await waitUntil("the first question", 30_000, () => waiting === 1);
    socket.destroy();
    const all = async () => [...(await ended()).values()].reduce((sum, one) => sum + one, 0);
    await waitUntil("21 ends", 30_000, async () => (await all()) === 21);
    gate.resolve();
    await expectAllPlaces();
  },
);

test.each(WAYS)("%s: who leaves before the answer is counted as gone, and keeps no place", async (_how, way) => {
  for (let count = 1; count <= PLACES; count += 1) {
    const { socket } = server.sends(request(way, "wait"));
    await waitUntil("the question", 30_000, () => waiting === count);
    socket.destroy();
    await haveEnded(count, "499");
  }
  gate.resolve();
  await expectAllPlaces();
  expect(decided).toBeGreaterThan(PLACES);
});

test.each(WAYS)("%s: who leaves with half a body while it is asked who calls keeps no place", async (_how, way) => {
  for (let count = 1; count <= PLACES; count += 1) {
    const { socket } = server.sends(request(way, "look", { as: "slow", bytes: 9 }));
    await waitUntil("the caller", 30_000, () => waiting === count);
    socket.destroy();
    await haveEnded(count, "499");
  }
  gate.resolve();
  await expectAllPlaces();
});

test.each(WAYS)("%s: an answer that is made and not yet taken keeps no place", async (_how, way) => {
  const { statuses } = server.sends(request(way, "wait") + request(way, "look").repeat(PLACES));
  await waitUntil("the questions", 30_000, () => waiting === 1 && decided > 0);
  for (const [, other] of WAYS) expect(await statusOf(request(other, "look"))).toBe(200);
  expect(statuses()).toEqual([]);
  gate.resolve();
  await waitUntil("all answers", 30_000, () => statuses().length === 1 + PLACES);
});

test.each(WAYS)("%s: after a fault of ours the connection serves on", async (_how, way) => {
  const { socket, statuses } = server.sends(request(way, "throw"));
  await waitUntil("the fault", 30_000, () => statuses().length === 1);
  socket.write(request(way, "look"));
  await waitUntil("the next answer", 30_000, () => statuses().length === 2);
  expect([statuses(), faults.length]).toEqual([[500, 200], 1]);
});

test.each(WAYS)(
  "%s: the end of the server does not wait for what was begun for one who left; that of the decisions under way does",
  async (_how, way) => {
    const { socket } = server.sends(request(way, "wait"));
    await waitUntil("the question", 30_000, () => waiting === 1);
    socket.destroy();
    await haveEnded(1, "499");
    await server.end();
    expect(decided).toBe(0);
    const end = underWay[Symbol.asyncDispose]().then(() => decided);
    gate.resolve();
    expect(await end).toBe(1);
  },
);
