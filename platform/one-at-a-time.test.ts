import { expect, test } from "@jest/globals";
import { createOneAtATime } from "./one-at-a-time.ts";

const LONG_MS = 60_000;

/** Takes a turn that has to be free. */
async function taken(turns: ReturnType<typeof createOneAtATime>, key: string): Promise<() => void> {
  const end = await turns.take(key);
  if (end === undefined) throw new Error("no turn");
  return end;
}

test("nobody has a turn while another of the same key does; who waits comes in order, and other keys do not wait", async () => {
  const turns = createOneAtATime({ maxWaiting: 2, maxWaitMs: LONG_MS });
  const order: string[] = [];
  const end = await taken(turns, "a");
  const second = taken(turns, "a").then((ends) => (order.push("second"), ends));
  const third = taken(turns, "a").then((ends) => (order.push("third"), ends));
  await taken(turns, "b");
  expect(order).toEqual([]);
  end();
  const endSecond = await second;
  expect(order).toEqual(["second"]);
  // NB: the turn of another is not ended by it.
  end();
  await taken(turns, "c");
  expect(order).toEqual(["second"]);
  endSecond();
  (await third)();
  expect(order).toEqual(["second", "third"]);
  (await taken(turns, "a"))();
});

test("who would be too many does not wait, and has a turn once there is room", async () => {
  const turns = createOneAtATime({ maxWaiting: 1, maxWaitMs: LONG_MS });
  const end = await taken(turns, "a");
  const waiting = taken(turns, "a");
  expect(await turns.take("a")).toBeUndefined();
  end();
  (await waiting)();
  (await taken(turns, "a"))();
});

test("who waits too long has no turn, then or later, and stands in nobody's way", async () => {
  const turns = createOneAtATime({ maxWaiting: 1, maxWaitMs: 1 });
  const end = await taken(turns, "a");
  expect(await turns.take("a")).toBeUndefined();
  expect(await turns.take("a")).toBeUndefined();
  end();
  (await taken(turns, "a"))();
});
