/**
 * Rule 3 when it is hard: a window is revoked while the decision service cannot hear of it, because it is cut off from Kafka, because the
 * approval service died between commit and publication, or with a clock that is off on top of that. The last allow is never later than 7 s
 * after the commit, nothing comes back when the parts join again, and a clock that is off is named.
 * Calls go on all the while and every answer counts. Times are taken from before the revocation was sent to after the last allow was answered.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { readGrant } from "../../core/messages/state-record.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import type { Stage } from "../../sample/story/stage.ts";
import { createCall } from "../../platform/programs/client.ts";
import type { Decision } from "../harness/system/decision.ts";
import { recordsOf } from "../harness/system/topics.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { metricTotal } from "../harness/metrics.ts";
import { say } from "./say.ts";
import {
  isAllowed,
  isRevoked,
  lastAllowAt,
  openWindow,
  revoke,
  type Seen,
  tally,
  type Watch,
  watch,
} from "./window.ts";

const RULE_MS = 7_000;
/** Calls go on for longer than the rule allows anything, or a later allow would not be seen. */
const WATCHED_MS = 9_500;
const CALLERS = 2;
/** So many of the same in a row are no accident. */
const IN_A_ROW = 20;
/** The shifted clock of a process is looked at again after 5 ms (test/harness/system/shifted-clock.ts): by then it has jumped. */
const CLOCK_READ_MS = 6;

const possible = await canStartSystem();
let system: System;
let stage: Stage;
let decision: Decision;
let read: () => ReturnType<ReturnType<typeof createCall>>;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem();
  stage = realStage(system);
  const [only] = system.decisions;
  if (only === undefined) throw new Error("a system without a decision service");
  decision = only;
  const { proxy } = await stage.as("dana");
  read = () => proxy("GET", "/refunds");
}, 180_000);
afterEach(async () => {
  if (!possible) return;
  await decision.shiftClock(0);
  system.kafkaRoad.refuse(false);
  await decision.untilFresh();
  await untilClocksAgree();
}, 60_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
}, 60_000);

const isClosed = (one: Seen): boolean => !isAllowed(one);

/** Until everything that the rule forbids would have been seen. */
async function watchedSince(calling: Watch, moment: number): Promise<void> {
  await waitUntil("the time that is watched", WATCHED_MS + 5_000, () => performance.now() - moment > WATCHED_MS);
  await calling.until("calls to be refused", IN_A_ROW, isClosed);
}

/** The last allow after a revocation that was not heard of: after it, so that there was something to stop, and within the rule. */
function expectWithinRule(calling: Watch, revoked: { readonly sentAt: number; readonly at: number }): number {
  const last = lastAllowAt(calling.seen) ?? Number.NaN;
  expect(last).toBeGreaterThan(revoked.at);
  expect(last - revoked.sentAt).toBeLessThanOrEqual(RULE_MS);
  return Math.round(last - revoked.sentAt);
}

async function whatReadyzSays(): Promise<string> {
  const response = await fetch(`${decision.opsUrl}/readyz`, { signal: AbortSignal.timeout(20_000) });
  return response.text();
}

/** The log says it once at each change, so each test begins with clocks that agree (afterEach). */
function named(skew: string, fromChars: number): Promise<true> {
  return waitUntil(`the log to name ${skew}`, 60_000, async () => {
    const said = (await decision.log()).slice(fromChars);
    return said.includes(`"event":"clock_skew","skew":"${skew}"`) || undefined;
  });
}

/** What was said last of the clocks is that they agree, or nothing was ever said. */
function untilClocksAgree(): Promise<true> {
  return waitUntil("the clocks to agree again", 60_000, async () => {
    const said = await decision.log();
    return said.lastIndexOf(`"event":"clock_agrees"`) >= said.lastIndexOf(`"event":"clock_skew"`);
  });
}

(possible ? describe : describe.skip)("revoked, and the decision service does not hear of it", () => {
  test.each([
    { name: "its clock right", shift: 0, jump: 0 },
    { name: "its clock 1.5 s slow", shift: -1_500, jump: -1_500 },
    { name: "its clock jumping 1.5 s back meanwhile", shift: 0, jump: -1_500 },
    { name: "its clock jumping an hour back meanwhile", shift: 0, jump: -3_600_000 },
  ])(
    "cut off from Kafka, $name",
    async ({ name, shift, jump }) => {
      await decision.shiftClock(shift);
      const { grantId } = await openWindow(stage);
      await using calling = watch(read, CALLERS);
      await calling.until("the window to be open", IN_A_ROW, isAllowed);
      system.kafkaRoad.refuse(true);
      const revoked = await revoke(stage, grantId);
      await calling.until("the window to be open still", 1, isAllowed, 4_000);
      if (jump !== shift) await decision.shiftClock(jump);
      await watchedSince(calling, revoked.at);
      const lastMs = expectWithinRule(calling, revoked);
      await decision.shiftClock(0);
      const closed = calling.seen.length;
      system.kafkaRoad.refuse(false);
      await calling.until("it to have heard of the revocation", IN_A_ROW, isRevoked, 90_000);
      expect(calling.seen.slice(closed).filter(isAllowed)).toEqual([]);
      say(`cut off from Kafka, ${name}: last allow ${lastMs} ms after the revocation was sent; ${tally(calling.seen)}`);
    },
    90_000,
  );

  test("the approval service killed after the commit and before it could publish", async () => {
    const { grantId } = await openWindow(stage);
    await using calling = watch(read, CALLERS);
    await calling.until("the window to be open", IN_A_ROW, isAllowed);
    system.kafka.freeze();
    await untilRelayWaits();
    const revoked = await revoke(stage, grantId);
    await system.approval.kill();
    system.kafka.thaw();
    expect(await lastStates(grantId)).toEqual(["active"]);
    await watchedSince(calling, revoked.at);
    expect(await lastStates(grantId)).toEqual(["active"]);
    const lastMs = expectWithinRule(calling, revoked);
    const closed = calling.seen.length;
    await system.approval.start();
    await calling.until("it to have heard of the revocation", IN_A_ROW, isRevoked, 90_000);
    expect(calling.seen.slice(closed).filter(isAllowed)).toEqual([]);
    expect(await lastStates(grantId)).toEqual(["active", "revoked"]);
    say(
      `approval service killed before publishing: last allow ${lastMs} ms after the revocation was sent; ${tally(calling.seen)}`,
    );
  }, 120_000);
});

(possible ? describe : describe.skip)("a clock that is off", () => {
  test.each([
    { name: "10 s fast", shift: 10_000, skew: "wall_ahead", why: "too_old" },
    { name: "5 s slow", shift: -5_000, skew: "wall_behind", why: "clock_skew" },
    { name: "jumped an hour back", shift: -3_600_000, skew: "wall_behind", why: "clock_skew" },
  ])(
    "$name: named, nothing is honoured, and it is repaired without a restart",
    async ({ name, shift, skew, why }) => {
      const { grantId } = await openWindow(stage);
      // A token of the hour that the clock shows: what is refused is refused for the grant's sake and not for the token's.
      await system.issuers.main.shiftClock(shift);
      const then = createCall(system.proxyUrl, await tokenOf(shift));
      await system.issuers.main.shiftClock(0);
      await using calling = watch(read, CALLERS);
      await calling.until("the window to be open", IN_A_ROW, isAllowed);
      const before = (await decision.log()).length;
      await decision.shiftClock(shift);
      const jumpedAt = performance.now() + CLOCK_READ_MS;
      await calling.until("calls to be refused", IN_A_ROW, isClosed);
      await named(skew, before);
      await using late = watch(() => then("GET", "/refunds"), CALLERS);
      await late.until(
        "elevations to be stale",
        IN_A_ROW,
        ({ status, said }) => status === 503 && said === "grants_stale",
      );
      expect(await whatReadyzSays()).toContain(why);
      expect(late.seen.filter(isAllowed)).toEqual([]);
      expect(calling.seen.filter((one) => one.sentAt >= jumpedAt && isAllowed(one))).toEqual([]);
      const closedMs = (lastAllowAt(calling.seen) ?? Number.NaN) - jumpedAt;
      await decision.shiftClock(0);
      await calling.until("the window to be open again", IN_A_ROW, isAllowed);
      await untilClocksAgree();
      await revoke(stage, grantId);
      await calling.until("the window to be closed", IN_A_ROW, isRevoked);
      say(
        `clock ${name}: last allow ${Math.round(closedMs)} ms after; ${tally(calling.seen)}; by the clock's own token ${tally(late.seen)}`,
      );
    },
    60_000,
  );

  test("1.5 s slow: the window is honoured, and never after its end by the database's clock", async () => {
    await decision.shiftClock(-1_500);
    const { expiresAt } = await openWindow(stage, { duration: "8s" });
    const endsAt = performance.now() + (expiresAt - Date.now());
    await using calling = watch(read, CALLERS);
    await calling.until("the window to be open", IN_A_ROW, isAllowed);
    await waitUntil("its end to have passed", 60_000, () => performance.now() > endsAt + 1_000);
    await calling.until("calls to be refused", IN_A_ROW, ({ said }) => said.startsWith("needs_approval"));
    const last = lastAllowAt(calling.seen) ?? Number.NaN;
    expect(last).toBeLessThan(endsAt);
    say(`clock 1.5 s slow: last allow ${Math.round(endsAt - last)} ms before the end; ${tally(calling.seen)}`);
  }, 60_000);

  test("right: a start with old heartbeats in the topic names no skew", async () => {
    await system.approval.kill();
    await decision.stop();
    const before = (await decision.log()).length;
    const rest = performance.now();
    await waitUntil("the last heartbeat to be old", 60_000, () => performance.now() - rest > 4_000);
    await decision.start();
    await system.approval.start();
    await decision.untilFresh();
    expect((await decision.log()).slice(before)).not.toContain("clock_skew");
  }, 90_000);
});

/** dana's token at the hour that the issuer's clock shows, once it shows it. */
async function tokenOf(shiftMs: number): Promise<string> {
  return waitUntil("the issuer's clock to be off", 60_000, async () => {
    const token = await system.token("dana");
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    const at = typeof claims === "object" && claims !== null && "iat" in claims ? Number(claims.iat) * 1_000 : 0;
    return Math.abs(at - (Date.now() + shiftMs)) < 2_000 && token;
  });
}

/** The relay has sent a heartbeat that the broker does not acknowledge: what is committed from now on waits behind it. */
async function untilRelayWaits(): Promise<void> {
  const beat = () => metricTotal(system.approval.opsUrl, "countersign_approval_state_heartbeat_timestamp_seconds");
  await waitUntil("the relay to wait for the broker", 60_000, async () => Date.now() / 1_000 - (await beat()) > 2);
}

/** The states of a grant that stand in the topic, in order. */
async function lastStates(grantId: string): Promise<readonly string[]> {
  const records = await recordsOf(system.kafka.settings, TOPICS.state.name);
  return records.flatMap(({ key, value }) => {
    if (value === null || !(key ?? "").endsWith(grantId)) return [];
    const grant = readGrant(value);
    return [grant.kind === "parsed" ? grant.value.state : grant.kind];
  });
}
