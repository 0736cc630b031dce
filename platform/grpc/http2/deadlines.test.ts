import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createDeadlines } from "./deadlines.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const started = () => createDeadlines({ monotonicMs: () => performance.now() });
const dueIn = (ms: number, expire: () => void) => ({ dueMs: performance.now() + ms, expire });

test("each expires once, after its time and not before, and one that is removed does not", () => {
  const deadlines = started();
  const expired: string[] = [];
  deadlines.add(dueIn(100, () => expired.push("first")));
  const answered = dueIn(100, () => expired.push("answered"));
  deadlines.add(answered);
  deadlines.add(dueIn(200, () => expired.push("second")));
  deadlines.remove(answered);
  jest.advanceTimersByTime(90);
  expect(expired).toEqual([]);
  jest.advanceTimersByTime(40);
  expect(expired).toEqual(["first"]);
  jest.advanceTimersByTime(10_000);
  expect(expired).toEqual(["first", "second"]);
});

test("one timer for all, and none when nothing is due any more", () => {
  const deadlines = started();
  for (let n = 0; n < 1_000; n += 1) {
    const due = dueIn(50, () => {});
    deadlines.add(due);
    if (n % 2 === 0) deadlines.remove(due);
  }
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(200);
  expect(jest.getTimerCount()).toBe(0);
  let expired = 0;
  deadlines.add(dueIn(50, () => (expired += 1)));
  jest.advanceTimersByTime(100);
  expect(expired).toBe(1);
});
