/** How long a task that threw is waited for, and what is said of it. On a real server: test/integration/postgres.test.ts. */
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

/** Runs until so many events of the name were told; all of them, the info that it leads left out. */
async function toldUntil(name: string, count: number, openSession: () => Promise<Session>): Promise<readonly string[]> {
  const stop = new AbortController();
  const told: string[] = [];
  const log = createLog({ name: "test", level: "silent", onEvent: (event) => void told.push(event) });
  const leadership = createLeadership({ database: { openSession }, log }, { lockName: "test" });
  const ended = leadership.run(() => Promise.reject(new Error("of the task")), stop.signal);
  await waitUntil(`${count} ${name}`, 10_000, () => told.filter((event) => event === name).length >= count);
  stop.abort();
  await ended;
  return told.filter((event) => event !== "leading");
}

test("a task that throws while its session is well is told each time, and never as a lost lock", async () => {
  expect(await toldUntil("loop_failed", 3, () => Promise.resolve(session))).toEqual([
    "loop_failed",
    "loop_failed",
    "loop_failed",
  ]);
});

test.each([
  ["which it is not known of yet", new AbortController().signal],
  ["which it is known of", AbortSignal.abort()],
])(
  "a task that throws because its session is lost, %s, is told as a lost lock and not as a failure of its own",
  async (_what, lost) => {
    let opened = 0;
    const told = await toldUntil("leading", 2, () => {
      opened += 1;
      let asked = 0;
      const query = () =>
        ++asked > 1 ? Promise.reject(new Error("ended")) : Promise.resolve({ rows: [{ locked: true }] });
      return Promise.resolve(opened === 1 ? Object.assign(Object.create(null), { ...session, query, lost }) : session);
    });
    expect(told[0]).toBe("leadership_lost");
  },
);

test("a database that is away is told once, however often it is tried", async () => {
  let tries = 0;
  const told = await toldUntil("leading", 1, () => {
    tries += 1;
    return tries <= 3 ? Promise.reject(new Error("away")) : Promise.resolve(session);
  });
  expect(told.filter((event) => event === "leadership_lost")).toHaveLength(1);
  expect(tries).toBe(4);
});
