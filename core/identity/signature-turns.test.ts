import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createSignatureTurns } from "./signature-turns.ts";

/** Signatures that take so long each, by a clock that only they move. */
function setUp(eachMs: number, maxWaiting = 100) {
  let nowMs = 0;
  const verified: number[] = [];
  const turns = createSignatureTurns({ monotonicMs: () => nowMs }, { maxWaiting, perTurnMs: 1 });
  const verify = turns.timed((n: number) => {
    nowMs += eachMs;
    verified.push(n);
  });
  const wait = async <T>(work: () => T) => turns.wait(work);
  return { turns, verify, verified, wait };
}

test("a turn of the event loop spends no more than its time and one signature on them, and what waits goes on in its order", async () => {
  const { turns, verify, verified, wait } = setUp(0.4);
  for (let n = 0; n < 3; n += 1) {
    expect(turns.isFree()).toBe(true);
    verify(n);
  }
  expect(turns.isFree()).toBe(false);
  const waiting = [3, 4, 5, 6, 7].map((n) => wait(() => verify(n)));
  expect(verified).toEqual([0, 1, 2]);
  await turn();
  expect(verified).toEqual([0, 1, 2, 3, 4, 5]);
  await Promise.all(waiting);
  expect(verified).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  await turn();
  expect(turns.isFree()).toBe(true);
});

test("signatures that take longer than a turn may are verified one in each, and not never", async () => {
  const { verify, verified, wait } = setUp(5);
  verify(0);
  const waiting = [1, 2].map((n) => wait(() => verify(n)));
  await turn();
  expect(verified).toEqual([0, 1]);
  await Promise.all(waiting);
  expect(verified).toEqual([0, 1, 2]);
});

test("nobody overtakes those who wait, and what costs nothing does not end their wait all at once", async () => {
  const { turns, verify, wait } = setUp(2);
  verify(0);
  let ended = 0;
  const waiting = Array.from({ length: 40 }, () => wait(() => (ended += 1)));
  await turn();
  expect(ended).toBe(16);
  expect(turns.isFree()).toBe(false);
  await Promise.all(waiting);
  expect(ended).toBe(40);
});

test("how many may wait is bounded, and there is room again when one has had its turn", async () => {
  const { turns, verify } = setUp(2, 2);
  verify(0);
  const first = turns.wait(() => "first");
  const second = turns.wait(() => "second");
  expect(turns.wait(() => "third")).toBeUndefined();
  expect(await first).toBe("first");
  expect(await second).toBe("second");
  expect(await turns.wait(() => "third")).toBe("third");
});

test("what a turn throws is for who waited for it, and the others go on", async () => {
  const { turns } = setUp(1);
  const thrown = turns.wait(() => {
    throw new Error("no such key");
  });
  const other = turns.wait(() => "verified");
  await expect(thrown).rejects.toThrow("no such key");
  expect(await other).toBe("verified");
});
