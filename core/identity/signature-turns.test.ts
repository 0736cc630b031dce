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
  return { turns, verified, wait, verifies: (n: number) => wait(() => verify(n)) };
}

test("nothing is verified as it comes: those that came together are verified together in the next turn", async () => {
  const { verified, verifies } = setUp(0.1);
  const first = verifies(0);
  await new Promise<void>((resolve) => process.nextTick(resolve));
  const second = verifies(1);
  await Promise.resolve();
  expect(verified).toEqual([]);
  await first;
  expect(verified).toEqual([0, 1]);
  await second;
});

test("a turn of the event loop spends no more than its time and one signature on them, and what waits goes on in its order", async () => {
  const { verified, verifies } = setUp(0.4);
  const waiting = [0, 1, 2, 3, 4, 5, 6, 7].map(verifies);
  expect(verified).toEqual([]);
  await turn();
  expect(verified).toEqual([0, 1, 2]);
  await turn();
  expect(verified).toEqual([0, 1, 2, 3, 4, 5]);
  await Promise.all(waiting);
  expect(verified).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("signatures that take longer than a turn may are verified one in each, and not never", async () => {
  const { verified, verifies } = setUp(5);
  const waiting = [0, 1, 2].map(verifies);
  await turn();
  expect(verified).toEqual([0]);
  await turn();
  expect(verified).toEqual([0, 1]);
  await Promise.all(waiting);
  expect(verified).toEqual([0, 1, 2]);
});

test("nobody overtakes those who wait, and what costs nothing does not end their wait all at once", async () => {
  const { wait } = setUp(2);
  const ended: number[] = [];
  const waiting = Array.from({ length: 40 }, (_, n) => wait(() => ended.push(n)));
  await turn();
  expect(ended).toHaveLength(16);
  waiting.push(wait(() => ended.push(40)));
  await Promise.all(waiting);
  expect(ended).toEqual(Array.from({ length: 41 }, (_, n) => n));
});

test("how many may wait is bounded, and there is room again when one has had its turn", async () => {
  const { turns } = setUp(2, 2);
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
