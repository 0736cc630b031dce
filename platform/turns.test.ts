import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createTurns } from "./turns.ts";

test("what comes at once begins in turns, all of it and in its order; what comes later waits behind it", async () => {
  const { take } = createTurns({ perTurn: 10 });
  const begun: number[] = [];
  for (let n = 0; n < 25; n += 1) take(() => void begun.push(n));
  expect(begun).toHaveLength(10);
  await turn();
  take(() => void begun.push(25));
  expect(begun).toHaveLength(20);
  await turn();
  await turn();
  expect(begun).toEqual(Array.from({ length: 26 }, (_, n) => n));
});

test("what comes alone begins at once, turn after turn", async () => {
  const { take } = createTurns({ perTurn: 10 });
  for (let n = 0; n < 30; n += 1) {
    let isBegun = false;
    take(() => (isBegun = true));
    expect(isBegun).toBe(true);
    await turn();
  }
});

test("no more begin in a turn, whatever began in those before it", async () => {
  const { take } = createTurns({ perTurn: 10 });
  for (let before = 0; before < 10; before += 1) {
    let begun = 0;
    for (let n = 0; n < before; n += 1) take(() => {});
    await turn();
    for (let n = 0; n < 20; n += 1) take(() => (begun += 1));
    expect(begun).toBeLessThanOrEqual(10);
    while (begun < 20) await turn();
  }
});

test("who waits is told when it may begin; beyond those who may wait nobody waits", async () => {
  const { wait } = createTurns({ perTurn: 2, maxWaiting: 3 });
  const now = [wait(), wait()];
  expect(now).toEqual([undefined, undefined]);
  const told: (readonly [number, boolean | undefined])[] = [];
  for (let n = 0; n < 4; n += 1) void wait()?.then((may) => told.push([n, may]));
  await Promise.resolve();
  expect(told).toEqual([[3, false]]);
  await turn();
  expect(told).toEqual([
    [3, false],
    [0, true],
    [1, true],
  ]);
  await turn();
  expect(told.slice(3)).toEqual([[2, true]]);
  expect(wait()).toBeUndefined();
});
