/**
 * The crash points that the stream has a part in, with the stream in the database: around what the approval service publishes, marks as
 * published and has read. The others are as they are on Kafka (test/fault/crash-points.test.ts).
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { account } from "./crash-points/account.ts";
import { crashEverywhere, UNDER_CRASHES } from "./crash-points/crash-everywhere.ts";
import { startTraffic } from "./crash-points/traffic.ts";
import { say } from "./say.ts";
import { seeded } from "./seeded.ts";

const RESTART_MS = 5_000;
const CHOSEN = new Set([
  ...["audit", "audit decisions", "grants"].flatMap((name) => [
    `${name} before publish`,
    `${name} after acknowledgement`,
  ]),
  ...["audit mark", "decisions mark", "grants mark", "offset"].flatMap((name) => [
    `${name} before commit`,
    `${name} after commit`,
  ]),
]);

const stream = "postgres";
const possible = await canStartSystem({ stream });
const chance = seeded();
let system: System;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem({ ...UNDER_CRASHES, stream });
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
}, 60_000);

(possible ? describe : describe.skip)(
  "an approval service killed around what it exchanges with a stream in its database",
  () => {
    test("nothing acknowledged is lost, nothing is doubled, no log has a gap, and it is back within five seconds", async () => {
      const begin = performance.now();
      const traffic = startTraffic(system);
      const { crashes, faults } = await crashEverywhere(traffic.hands, chance, (point) => CHOSEN.has(point));
      await traffic.stop();
      const { faults: found, ...counts } = await account(system, traffic.ledger);
      say(
        `seed ${chance.seed}: ${crashes.length} crashes in ${Math.round((performance.now() - begin) / 1_000)} s; ` +
          JSON.stringify(counts),
      );
      expect([...faults, ...found]).toEqual([]);
      expect(new Set(crashes.map(({ point }) => point))).toEqual(CHOSEN);
      expect(crashes.filter(({ restartMs }) => restartMs >= RESTART_MS)).toEqual([]);
    }, 300_000);
  },
);
