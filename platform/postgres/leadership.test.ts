/** How long a task that threw is waited for. On a real server: test/integration/postgres.test.ts. */
import { expect, test } from "@jest/globals";
import { createLog } from "../log/log.ts";
import { waitUntil } from "../programs/wait-until.ts";
import { createLeadership } from "./leadership.ts";
import type { Session } from "./pool.ts";

/** A session that is given every lock. */
const session: Session = Object.assign(Object.create(null), {
  query: () => Promise.resolve({ rows: [{ locked: true }] }),
  lost: new AbortController().signal,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

/** Leads for so long by its clock, and throws, until stopped. */
function failingAfter(ms: number, stop: AbortSignal) {
  const seen = { terms: 0 };
  let nowMs = 0;
  const leadership = createLeadership(
    {
      database: { openSession: () => Promise.resolve(session) },
      log: createLog({ name: "test", level: "silent" }),
    },
    { lockName: "test", monotonicMs: () => nowMs },
  );
  const ended = leadership.run(() => {
    seen.terms += 1;
    nowMs += ms;
    return Promise.reject(new Error("a passing fault"));
  }, stop);
  return { seen, ended };
}

test("whoever led for long before a throw leads again after the shortest pause, and whoever did not waits longer each time", async () => {
  const stop = new AbortController();
  const steady = failingAfter(60_000, stop.signal);
  const brief = failingAfter(1_000, stop.signal);
  await waitUntil("seven terms", 10_000, () => steady.seen.terms >= 7);
  expect(brief.seen.terms).toBeLessThan(6); // a sixth comes after pauses of 3 s together, a seventh of the other after 0.6 s
  stop.abort();
  await Promise.all([steady.ended, brief.ended]);
});
