/**
 * Records that somebody else wrote, on the real topics. The decision services honour none of them, not for a moment and not after a restart
 * on a topic where nothing but the forgery is left; the relay makes the topic say the truth again while everything runs.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { HEARTBEAT_KEY } from "../../core/messages/state-record.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import type { StreamRecord } from "../../platform/stream/port.ts";
import { deniedId, granted } from "../../sample/story/ask.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import type { Stage } from "../../sample/story/stage.ts";
import type { Call } from "../../platform/programs/client.ts";
import { recordsOf } from "../harness/system/topics.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { again, heartbeatForgeries, type Signers, signersOf, stateForgeries } from "./forged-state.ts";
import { createForger, type Forger, whileCompacting } from "./forging.ts";
import { metricTotal } from "../harness/metrics.ts";
import { seeded } from "./seeded.ts";
import { say } from "./say.ts";
import { differencesFromTruth } from "./state-topic.ts";
import { tally, type Watch, watch } from "./window.ts";

const REPAIRED_MS = 60_000;
const CALLERS = 2;
const STATE = TOPICS.state.name;

const possible = await canStartSystem();
const chance = seeded();
let system: System;
let stage: Stage;
let forger: Forger;
let signers: Signers;
let readRefunds: () => ReturnType<Call>;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem({ decisions: 2 });
  stage = realStage(system);
  forger = createForger(system.openStream());
  signers = await signersOf(system);
  const dana = await stage.as("dana");
  readRefunds = () => dana.proxy("GET", "/refunds");
}, 180_000);
afterAll(async () => {
  await forger?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
}, 60_000);

/** Until so many calls in a row, which take turns with the decision services, are answered like this. */
async function untilAnswered(status: number): Promise<void> {
  await waitUntil(`GET /refunds to be ${status} everywhere`, 60_000, async () => {
    for (let n = 0; n < 6; n += 1) if ((await readRefunds()).status !== status) return false;
    return true;
  });
}

async function openWindow(): Promise<string> {
  const id = await granted(stage, await deniedId(stage, "GET", "/refunds"));
  await untilAnswered(200);
  return id;
}

async function revoke(id: string): Promise<void> {
  const { approvals } = await stage.as("max");
  expect((await approvals("POST", `/v1/grants/${id}/revoke`, { body: { reason: "over" } })).status).toBe(200);
  await untilAnswered(403);
}

const repairs = () => metricTotal(system.approval.opsUrl, "countersign_approval_state_repaired_total");
const allFresh = () => Promise.all(system.decisions.map((decision) => decision.untilFresh()));

/** How long until the topic was repaired and every decision service is fresh, ms. */
async function untilRepaired(what: string, before: number): Promise<number> {
  const begin = performance.now();
  await waitUntil(`the repair after ${what}`, REPAIRED_MS, async () => (await repairs()) > before);
  await allFresh();
  return Math.round(performance.now() - begin);
}

async function recordsUnder(key: string): Promise<readonly StreamRecord[]> {
  return (await recordsOf(system.kafka.settings, STATE)).filter((record) => record.key === key);
}

/** A revoked window as it stands on the topic: what was said of it while it was live, and now. */
async function revokedWindow() {
  const id = await openWindow();
  await revoke(id);
  const [active, revoked] = await recordsUnder(`grant/${id}`);
  if (active === undefined || revoked === undefined) throw new Error("no two records of the grant");
  expect(JSON.parse(active.value?.toString("utf8") ?? "")).toMatchObject({ state: "active", version: 1 });
  expect(JSON.parse(revoked.value?.toString("utf8") ?? "")).toMatchObject({ state: "revoked", version: 2 });
  return { id, active, version: 2 };
}

/** The statuses of its answers, once the last of its calls has one. */
async function statusesOf(watching: Watch): Promise<readonly number[]> {
  await watching[Symbol.asyncDispose]();
  return [...new Set(watching.seen.map(({ status }) => status))];
}

const summary = (times: readonly number[]) => {
  const sorted = [...times].sort((a, b) => a - b);
  return `median ${sorted[Math.floor(sorted.length / 2)]} ms, longest ${sorted.at(-1)} ms`;
};

(possible ? describe : describe.skip)("forged and replayed state", () => {
  test("whatever is written under the key of a revoked grant, nobody is let through, and the topic is repaired", async () => {
    const other = await revokedWindow();
    const target = await revokedWindow();
    const forgeries = stateForgeries({ ...target, other: other.active }, signers, system.deployment);
    await using watching = watch(readRefunds, CALLERS);
    const times: number[] = [];
    for (const { name, record } of forgeries) {
      const before = await repairs();
      await forger.write(record);
      times.push(await untilRepaired(name, before));
    }
    for (let round = 0; round < 3; round += 1) {
      const before = await repairs();
      const shuffled = forgeries
        .map((one) => ({ one, place: chance.below(1 << 20) }))
        .sort((a, b) => a.place - b.place);
      await forger.write(...shuffled.map(({ one }) => one.record));
      times.push(await untilRepaired("all of them at once", before));
    }
    const statuses = await statusesOf(watching);
    expect(statuses.filter((status) => status !== 403 && status !== 503)).toEqual([]);
    expect(await differencesFromTruth(system)).toEqual([]);
    say(
      `revoked grant, seed ${chance.seed}: ${forgeries.length} forgeries, each alone and all at once 3 times; ` +
        `${watching.seen.length} calls, none allowed; repaired and fresh: ${summary(times)}`,
    );
  }, 240_000);

  test("what is forged under the key of a live grant closes it at most, until the topic is repaired", async () => {
    const other = await revokedWindow();
    const id = await openWindow();
    const [active] = await recordsUnder(`grant/${id}`);
    if (active === undefined) throw new Error("no record of the grant");
    const times: number[] = [];
    const harmless = ["the old active record", "a deposed relay's late record"];
    const forgeries = stateForgeries({ active, version: 1, other: other.active }, signers, system.deployment);
    await using watching = watch(readRefunds, CALLERS);
    for (const { name, record } of forgeries.filter((one) => !harmless.includes(one.name))) {
      const before = await repairs();
      await forger.write(record);
      times.push(await untilRepaired(name, before));
      await untilAnswered(200);
    }
    const statuses = await statusesOf(watching);
    expect(statuses.filter((status) => ![200, 403, 503].includes(status))).toEqual([]);
    expect(await differencesFromTruth(system)).toEqual([]);
    await revoke(id);
    say(`live grant: answers ${tally(watching.seen)}; repaired: ${summary(times)}`);
  }, 120_000);

  test("heartbeats of others, or old ones, keep nothing fresh", async () => {
    const id = await openWindow();
    const last = (await recordsUnder(HEARTBEAT_KEY)).at(-1);
    if (last === undefined) throw new Error("no heartbeat");
    system.approval.freeze();
    let on = true;
    const forging = (async () => {
      while (on) {
        for (const { record } of heartbeatForgeries(last, signers, system.deployment, Date.now()))
          await forger.write(record);
      }
    })();
    const begin = performance.now();
    try {
      await untilAnswered(503);
      const closedMs = Math.round(performance.now() - begin);
      await using watching = watch(readRefunds, CALLERS);
      const refused = () => watching.seen.filter(({ status }) => status === 503).length;
      await waitUntil("two hundred calls more", 60_000, () => refused() > 200);
      expect(await statusesOf(watching)).toEqual([503]);
      say(`forged heartbeats: closed ${closedMs} ms after the relay was frozen, and stayed closed`);
    } finally {
      on = false;
      await forging;
      system.approval.thaw();
    }
    await untilAnswered(200);
    await revoke(id);
  }, 120_000);

  test("a decision service that starts where compaction has left nothing but the replayed record does not believe it", async () => {
    const { id, active } = await revokedWindow();
    const key = `grant/${id}`;
    const heartbeat = (await recordsUnder(HEARTBEAT_KEY)).at(-1);
    if (heartbeat === undefined) throw new Error("no heartbeat");
    const before = await repairs(); // a frozen process cannot be asked
    system.approval.freeze();
    await forger.write(again(active));
    await whileCompacting(system.kafka.settings, STATE, async () => {
      await waitUntil("the replayed record to stand alone", 60_000, async () => {
        await forger.write(again(heartbeat)); // the segment that is written to is never compacted
        const left = await recordsUnder(key);
        return left.length === 1;
      });
    });
    expect((await recordsUnder(key))[0]?.value).toEqual(active.value);

    await using watching = watch(readRefunds, CALLERS);
    await Promise.all(system.decisions.map((decision) => decision.kill()));
    await Promise.all(system.decisions.map((decision) => decision.start()));
    const reasons = new Set<string>();
    let on = true;
    const asking = (async () => {
      while (on) {
        for (const { opsUrl } of system.decisions) {
          const [, detail] =
            /"grants":\{"status":"degraded","detail":"(\w+)"/.exec(await (await fetch(`${opsUrl}/readyz`)).text()) ??
            [];
          if (detail !== undefined) reasons.add(detail);
        }
      }
    })();
    system.approval.thaw();
    const repairedMs = await untilRepaired("the restart", before);
    on = false;
    await asking;
    await untilAnswered(403);
    const statuses = await statusesOf(watching);
    expect(statuses.filter((status) => status !== 403 && status !== 503)).toEqual([]);
    // Heartbeats came while the forgery still stood, and the hash over the set was all that spoke against it.
    expect([...reasons]).toContain("set_hash_differs");
    expect(await differencesFromTruth(system)).toEqual([]);
    say(
      `restarted on the replayed record alone: stale by ${[...reasons].join(", ")}; repaired ${repairedMs} ms after the relay went on`,
    );
  }, 180_000);
});
