import fc from "fast-check";
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

test("whatever is added, removed and expires, also while others expire, each expires once if it was left, and none is lost", () => {
  const Step = fc.record({
    step: fc.constantFrom("add", "remove", "wait"),
    which: fc.nat(7),
    ms: fc.integer({ min: 1, max: 90 }),
    within: fc.array(fc.tuple(fc.constantFrom("add", "remove"), fc.nat(7)), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 60 }), (steps) => {
      const deadlines = started();
      /** Those that are due, by their number, as a Map has them. */
      const wanted = new Map<number, number>();
      const expired: number[] = [];
      let inside: readonly (readonly [string, number])[] = [];
      const change = (step: string, which: number, ms: number) => {
        const due = dues[which];
        if (due === undefined) return;
        if (step === "add") {
          if (wanted.has(which)) return deadlines.add(due);
          due.dueMs = performance.now() + ms;
          wanted.set(which, due.dueMs);
          deadlines.add(due);
        } else {
          wanted.delete(which);
          deadlines.remove(due);
        }
      };
      const dues = Array.from({ length: 8 }, (_, which) => ({
        dueMs: 0,
        expire() {
          expect(wanted.get(which)).toBeLessThanOrEqual(performance.now());
          wanted.delete(which);
          expired.push(which);
          for (const [step, other] of inside) change(step, other, 500);
        },
      }));
      for (const { step, which, ms, within } of steps) {
        inside = within;
        if (step === "wait") jest.advanceTimersByTime(ms);
        else change(step, which, ms);
      }
      inside = [];
      jest.advanceTimersByTime(1_000);
      expect([...wanted]).toEqual([]);
      expect(jest.getTimerCount()).toBe(0);
    }),
  );
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
