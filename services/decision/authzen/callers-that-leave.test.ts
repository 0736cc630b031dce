/**
 * Callers who hang up before the answer, or never send all of a body, by every way through HTTP: no more is under way at once than there are places,
 * whoever has left; long work ends with its caller; and a place is for a whole body.
 */
import { expect, test } from "@jest/globals";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createSharedPause } from "../../../platform/shared-pause.ts";
import { everyWay, filesFound, requestText, startAuthzen } from "../../../test/harness/authzen-server.ts";
import { askingBy } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";

const PLACES = 2;
const ITEMS = 50;
const WAYS = everyWay(ITEMS);

/** Every question waits at the gate, which is open at the end. */
async function start() {
  const gate = Promise.withResolvers<void>();
  const counts = { asked: 0, underWay: 0, most: 0 };
  async function decide() {
    counts.asked += 1;
    counts.underWay += 1;
    counts.most = Math.max(counts.most, counts.underWay);
    await gate.promise;
    counts.underWay -= 1;
    return DENIED_BY_API;
  }
  const metrics = createMetrics({ prefix: "t_" });
  const server = await startAuthzen(
    {
      ...{ asking: askingBy(decide), evaluateAside: decide, candidates: filesFound(ITEMS), metrics, maxBatch: ITEMS },
      pause: createSharedPause({ monotonicMs: () => performance.now() }),
    },
    { maxBodyBytes: 16_384, maxInFlight: PLACES },
  );
  const left = async () => {
    const lines = (await metrics.expose()).text.matchAll(/request_seconds_count\{.*status="499"\} (\d+)/g);
    return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  return {
    ...{ counts, left, open: gate.resolve, sends: server.sends },
    [Symbol.asyncDispose]() {
      gate.resolve();
      return server[Symbol.asyncDispose]();
    },
  };
}

test.each(WAYS)(
  "%s: of callers who hang up no more are under way at once than there are places",
  async (_what, way) => {
    await using server = await start();
    const { counts, left, open, sends } = server;
    for (let caller = 1; caller <= PLACES; caller += 1) {
      const { socket } = sends(requestText(way));
      await waitUntil("the question", 2_000, () => counts.asked === caller);
      socket.destroy();
      await waitUntil("it to be gone", 2_000, async () => (await left()) === caller);
    }
    // NB: without a place nothing is read either: what is no JSON is not told so.
    for (const text of WAYS.flatMap(([, other]) => [
      requestText(other),
      requestText(other).replace('{"subject"', '["subject"'),
    ])) {
      const { statuses } = sends(text);
      await waitUntil("an answer", 2_000, () => statuses().length > 0);
      expect(statuses()).toEqual([503]);
    }
    expect(counts).toMatchObject({ asked: PLACES, most: PLACES });
    open();
    await waitUntil("what was begun to end", 2_000, () => counts.underWay === 0);
    const { statuses } = sends(requestText(way));
    await waitUntil("an answer", 2_000, () => statuses().length > 0);
    expect(statuses()).toEqual([200]);
  },
);

test.each(WAYS.slice(2))("%s: nothing more is asked for a caller who has gone", async (_what, way) => {
  await using server = await start();
  const { counts, left, open, sends } = server;
  const { socket } = sends(requestText(way));
  await waitUntil("the first question", 2_000, () => counts.asked === 1);
  socket.destroy();
  await waitUntil("it to be gone", 2_000, async () => (await left()) === 1);
  open();
  const { statuses } = sends(requestText(way));
  await waitUntil("an answer to another", 5_000, () => statuses()[0] === 200);
  expect(counts.asked).toBe(1 + ITEMS);
});

test.each(WAYS)("%s: half bodies, however many, take no place from whoever sends a whole one", async (_what, way) => {
  await using server = await start();
  const { open, sends } = server;
  open();
  const halves = WAYS.flatMap(([, other]) =>
    Array.from({ length: PLACES + 1 }, () => sends(requestText(other, { bytes: 9 }))),
  );
  await Promise.all(halves.map(({ socket }) => new Promise((resolve) => socket.write("", resolve))));
  for (let turn = 0; turn <= PLACES; turn += 1) {
    const { statuses } = sends(requestText(way));
    await waitUntil("an answer", 2_000, () => statuses().length > 0);
    expect(statuses()).toEqual([200]);
  }
  expect(halves.flatMap(({ statuses }) => statuses())).toEqual([]);
});
