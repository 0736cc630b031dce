/** By a clock that each piece moves on, so that what is counted is pieces and not the speed of a machine. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createSharedPause } from "./shared-pause.ts";

const PER_TURN_MS = 2;

/** `workers` at once with `pieces` each, of `pieceMs`. */
async function work(workers: number, pieces: number, pieceMs: number) {
  let nowMs = 0;
  const pause = createSharedPause({ monotonicMs: () => nowMs }, { perTurnMs: PER_TURN_MS });
  const order: number[] = [];
  const one = async (worker: number) => {
    for (let piece = 0; piece < pieces; piece += 1) {
      await pause();
      // As a decision does it: by several promises, none of which waits for anything outside.
      await Promise.resolve();
      order.push(worker);
      nowMs += pieceMs;
      await Promise.resolve();
    }
  };
  let isOver = false;
  const all = Promise.all(Array.from({ length: workers }, (_, worker) => one(worker))).finally(() => (isOver = true));
  const perTurn: number[] = [];
  for (let seen = 0; !isOver; ) {
    await turn();
    perTurn.push(order.length - seen);
    seen = order.length;
  }
  await all;
  // The first has seen what was begun before any turn, too.
  return { order, perTurn: perTurn.slice(1) };
}

test.each([1, 16, 256])("%i at once take no longer a turn than one does, and all of them end", async (workers) => {
  const { order, perTurn } = await work(workers, 10, 1);
  expect(order).toHaveLength(workers * 10);
  expect(Math.max(...perTurn)).toBe(PER_TURN_MS);
});

test("a piece that takes longer than all of a turn has one for itself", async () => {
  const { perTurn } = await work(8, 2, 50);
  expect(Math.max(...perTurn)).toBe(1);
});

test("short pieces of one share a turn", async () => {
  const { perTurn } = await work(1, 400, 0.1);
  expect(Math.max(...perTurn)).toBeGreaterThan(10);
});

test("each goes on as fast as the others", async () => {
  const { order } = await work(4, 3, 1);
  expect(order).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
});
