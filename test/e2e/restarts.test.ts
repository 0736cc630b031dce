/**
 * Processes that end and come back, in the whole real set: what is allowed goes on, what needs a grant fails closed, and all of it heals
 * without anybody's help. One test after the other: each begins where the one before it has mended everything.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import type { Answer, Call } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

/** Freshness ends 5 s after the last heartbeat (core/domain/freshness.ts); the rest is slack for two busy cores. */
const STALE_MS = 30_000;
const HEALED_MS = 60_000;

const possible = await canStartSystem();
let system: System;
let dana: Call;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem();
  dana = (await system.as("dana")).proxy;
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
}, 60_000);

const read = () => dana("GET", "/orders/42");
const remove = () => dana("DELETE", "/orders/42");
const says = ({ body }: Answer, word: string) => JSON.stringify(body).includes(`"${word}"`);

async function untilElevationsFailClosed(): Promise<Answer> {
  return waitUntil("elevations to be stale", STALE_MS, async () => {
    const answer = await remove();
    return says(answer, "grants_stale") && answer;
  });
}

async function untilHealed(): Promise<void> {
  await waitUntil("elevations to be offered again", HEALED_MS, async () => says(await remove(), "needs_approval"));
}

(possible ? describe : describe.skip)("processes that end and come back", () => {
  test("without the approval service reads go on, also after a restart of the decision service, and elevations are 503", async () => {
    const [decision] = system.decisions;
    await system.approval.kill();
    expect(await untilElevationsFailClosed()).toMatchObject({ status: 503 });
    expect((await read()).status).toBe(200);
    await decision?.kill();
    expect((await read()).status).toBe(503);
    await decision?.start();
    await waitUntil("Envoy to find the decision service again", 30_000, async () => (await read()).status === 200);
    expect((await remove()).status).toBe(503);
    await system.approval.start();
    await untilHealed();
  }, 120_000);

  test("the database killed and started again: reads go on, elevations are 503 until it is back", async () => {
    await system.database.kill();
    expect(await untilElevationsFailClosed()).toMatchObject({ status: 503 });
    expect((await read()).status).toBe(200);
    await system.database.start();
    await untilHealed();
  }, 120_000);

  test("the decision service cut off from Kafka, then joined again", async () => {
    system.kafkaRoad.refuse(true);
    expect(await untilElevationsFailClosed()).toMatchObject({ status: 503 });
    expect((await read()).status).toBe(200);
    system.kafkaRoad.refuse(false);
    await untilHealed();
  }, 120_000);

  test("the approval service frozen, then going on", async () => {
    system.approval.freeze();
    expect(await untilElevationsFailClosed()).toMatchObject({ status: 503 });
    system.approval.thaw();
    await untilHealed();
  }, 120_000);

  test("nothing was deleted meanwhile, and every program ends by itself when it is told to", async () => {
    expect((await system.orders.book()).orders).toContainEqual({ id: "42", item: "lamp" });
    const { approval, decisions, orders, issuers } = system;
    for (const program of [...decisions, approval, orders, issuers.main, issuers.other])
      expect([program.name, await program.stop()]).toEqual([program.name, 0]);
  }, 60_000);
});
