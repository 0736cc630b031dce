/** When a part of the sweep that fails is told. On a real server: test/integration/approval/sweep.test.ts. */
import { expect, test } from "@jest/globals";
import { createLog } from "../../platform/log/log.ts";
import type { Lease } from "../../platform/postgres/leadership.ts";
import type { SweepFault } from "./ports.ts";
import { createSweeper } from "./sweeper.ts";

const REQUESTS: SweepFault = { part: "sweep requests", error: new Error("a malformed row") };
const GRANTS: SweepFault = { part: "sweep grants", error: new Error("another") };

type Round = { readonly atMs: number; readonly faults: readonly SweepFault[]; readonly isGone?: boolean };

/** Plays these rounds, each of which leaves more to do at once; after which of them something was told, and what. */
async function told(
  ...rounds: readonly Round[]
): Promise<readonly (readonly [round: number, event: string, unlogged: unknown])[]> {
  const stop = new AbortController();
  const lines: [number, string, unknown][] = [];
  let at = -1;
  const write = (line: string) => {
    const { event, unlogged }: { event: string; unlogged: unknown } = JSON.parse(line);
    lines.push([at, event, unlogged]);
  };
  const lease: Lease = {
    query: () =>
      rounds[at]?.isGone === true ? Promise.reject(new Error("gone")) : Promise.resolve(Object.create(null)),
    transaction: () => Promise.reject(new Error("not asked for")),
    signal: stop.signal,
  };
  const sweeper = createSweeper({
    leadership: { leading: true, run: (task) => task(lease).catch(() => {}) },
    log: createLog({ name: "test", destination: { write } }),
    monotonicMs: () => rounds[at]?.atMs ?? 0,
    sweep() {
      at += 1;
      if (at + 1 >= rounds.length) stop.abort();
      return Promise.resolve({ isMore: true, faults: rounds[at]?.faults ?? [] });
    },
  });
  await sweeper.run(stop.signal);
  return lines;
}

test("a part that fails is told at once although the backlog never ends, and then once a minute with how often it went unlogged", async () => {
  expect(
    await told(
      { atMs: 0, faults: [REQUESTS] },
      { atMs: 100, faults: [REQUESTS] },
      { atMs: 59_999, faults: [REQUESTS] },
      { atMs: 60_000, faults: [REQUESTS] },
      { atMs: 60_001, faults: [REQUESTS] },
    ),
  ).toEqual([
    [0, "sweep_failed", 0],
    [3, "sweep_failed", 2],
  ]);
});

test("each part is told by itself, and one that recovered and fails again later is told at once", async () => {
  expect(
    await told(
      { atMs: 0, faults: [REQUESTS] },
      { atMs: 1, faults: [REQUESTS, GRANTS] },
      { atMs: 2, faults: [] },
      { atMs: 90_000, faults: [GRANTS] },
    ),
  ).toEqual([
    [0, "sweep_failed", 0],
    [1, "sweep_failed", 0],
    [3, "sweep_failed", 0],
  ]);
});

test("parts that failed because the database went away are not told one by one: the session is lost, which is told by itself", async () => {
  expect(await told({ atMs: 0, faults: [REQUESTS, GRANTS], isGone: true }, { atMs: 1, faults: [] })).toEqual([]);
});
