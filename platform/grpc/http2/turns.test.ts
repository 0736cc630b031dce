import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createTurns } from "./turns.ts";

test("what comes at once begins in turns, all of it and in its order; what comes later waits behind it", async () => {
  const take = createTurns(10);
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
  const take = createTurns(10);
  for (let n = 0; n < 30; n += 1) {
    let isBegun = false;
    take(() => (isBegun = true));
    expect(isBegun).toBe(true);
    await turn();
  }
});
