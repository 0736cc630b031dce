/** Requests over HTTP that are there at once are read and evaluated in turns of the event loop, by every way, and only so many wait for one. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import {
  type Asked,
  EVALUATION,
  everyWay,
  filesFound,
  requestText,
  startAuthzen,
} from "../../../test/harness/authzen-server.ts";
import { askingBy } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";

const MANY = 120;
/** As they arrive, and once more behind them. */
const MOST_PER_TURN = 2 * 16;
const WAYS = everyWay(1);

async function start(maxInFlight: number) {
  const counts = { asked: 0 };
  async function decide() {
    counts.asked += 1;
    return DENIED_BY_API;
  }
  const server = await startAuthzen(
    { asking: askingBy(decide), evaluateAside: decide, candidates: filesFound(1) },
    { maxInFlight },
  );
  return { ...server, counts };
}

/** All at once, behind each other on one connection; gives how often each status was answered when all are. */
async function answersTo(
  { sends }: Awaited<ReturnType<typeof start>>,
  { asked, count }: { readonly asked: Asked; readonly count: number },
  everyTurn: () => void,
): Promise<ReadonlyMap<number, number>> {
  const { socket, statuses } = sends(requestText(asked).repeat(count));
  while (statuses().length < count && !socket.destroyed) {
    everyTurn();
    await turn();
  }
  const counted = new Map<number, number>();
  for (const status of statuses()) counted.set(status, (counted.get(status) ?? 0) + 1);
  return counted;
}

test.each(WAYS)("%s, many at once: no turn does more than what begins in it", async (_what, asked) => {
  await using server = await start(MANY);
  const { counts } = server;
  let [before, most] = [0, 0];
  const answers = await answersTo(server, { asked, count: MANY }, () => {
    most = Math.max(most, counts.asked - before);
    before = counts.asked;
  });
  expect(answers).toEqual(new Map([[200, MANY]]));
  expect(counts.asked).toBe(MANY);
  expect(most).toBeLessThanOrEqual(MOST_PER_TURN);
});

test("what is more than may wait for a turn is told so at once, and asks nothing", async () => {
  await using server = await start(20);
  const answers = await answersTo(server, { asked: EVALUATION, count: 250 }, () => {});
  expect(answers.get(503)).toBeGreaterThan(0);
  // As many as begin, and four times the places behind them.
  expect(answers.get(200)).toBeGreaterThanOrEqual(16 + 80);
  expect(server.counts.asked).toBe(answers.get(200));
});
