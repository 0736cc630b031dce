/**
 * `kill -9` at every point where a process is between two things that belong together: around each commit, publish, mark, send, answer and
 * replaced file of both services, under load (test/fault/crash-points/points.ts). Nothing that was acknowledged is lost, nothing is doubled once
 * repetitions are dropped, no log has a gap, and the services are ready again within five seconds: half of the times whatever the machine, each time
 * as it is on a usual one. `npm run soak` does it ten times over, and leaves the machine no excuse.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { median } from "../bench/figures.ts";
import { createSlowness } from "../harness/slowness.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { account } from "./crash-points/account.ts";
import { crashEverywhere, UNDER_CRASHES } from "./crash-points/crash-everywhere.ts";
import { APPROVAL_POINTS, DECISION_POINTS } from "./crash-points/points.ts";
import { startTraffic } from "./crash-points/traffic.ts";
import { say } from "./say.ts";
import { seeded } from "./seeded.ts";

/** Under this load: the median of all on any machine; each on a usual one, and on a slower one as many times more. */
const RESTART_MS = 5_000;
const LOOK_EVERY_MS = 3_000;
const LEAST_POINTS = 15;

const possible = await canStartSystem();
const chance = seeded();
let system: System;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem(UNDER_CRASHES);
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
}, 60_000);

(possible ? describe : describe.skip)("services killed at every point under load", () => {
  test("nothing acknowledged is lost, nothing is doubled, no log has a gap, and they are back within five seconds: the median on any machine, each on a slower one within as many times that as it is slower, 2.5 times at most", async () => {
    const begin = performance.now();
    const traffic = startTraffic(system);
    const machine = createSlowness();
    const isOver = new AbortController();
    const looking = lookAt(machine, isOver.signal);
    const { crashes, faults } = await crashEverywhere(traffic.hands, chance);
    isOver.abort();
    await looking;
    await traffic.stop();
    const { faults: found, ...counts } = await account(system, traffic.ledger);
    const slowness = machine.slowness().clock;
    const slowest = crashes.toSorted((one, other) => other.restartMs - one.restartMs)[0];
    const typicalMs = median(crashes.map(({ restartMs }) => restartMs));
    const longest = crashes.toSorted((one, other) => other.untilMs - one.untilMs)[0];
    say(
      `seed ${chance.seed}: ${crashes.length} crashes in ${Math.round((performance.now() - begin) / 1_000)} s; median restart ${typicalMs} ms, slowest ` +
        `${slowest?.restartMs} ms (${slowest?.point}) on a machine ${slowness.toFixed(1)} times as slow as a usual one, longest until reached ${longest?.untilMs} ms (${longest?.point}); ` +
        JSON.stringify({ ...counts, again: traffic.ledger.again }),
    );
    expect([...faults, ...found]).toEqual([]);
    const points = new Set([...APPROVAL_POINTS.keys(), ...DECISION_POINTS.keys()]);
    expect(points.size).toBeGreaterThanOrEqual(LEAST_POINTS);
    expect(new Set(crashes.map(({ point }) => point))).toEqual(points);
    expect(crashes.filter(({ restartMs }) => restartMs >= RESTART_MS * slowness)).toEqual([]);
    expect(typicalMs).toBeLessThan(RESTART_MS);
  }, 600_000);
});

/** Meanwhile, so that it has the same load beside it. */
async function lookAt(machine: ReturnType<typeof createSlowness>, isOver: AbortSignal): Promise<void> {
  while (!isOver.aborted) {
    await machine.look();
    await sleep(LOOK_EVERY_MS, undefined, { signal: isOver }).catch(() => {});
  }
}
