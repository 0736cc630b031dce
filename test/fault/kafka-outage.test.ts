/**
 * Kafka gone for half a minute, under traffic. What needs no approval goes on; what does is closed once the last heartbeat is
 * five seconds old, a grant without a limit of uses too, which goes on until then; the approval service goes on taking votes, and
 * everything that it or a decision service acknowledged is on the audit topic afterwards, in order and whole.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { FRESH_WITHIN_MS } from "../../core/domain/freshness.ts";
import { approved, deniedId, submitted } from "../../sample/story/ask.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import type { Stage } from "../../sample/story/stage.ts";
import { createCall, textAt } from "../../platform/programs/client.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { kindOf, readAuditRecord } from "./audit-record.ts";
import { metricTotal } from "../harness/metrics.ts";
import { openWindow } from "./window.ts";

/**
 * A heartbeat carries the time at which the relay read the database's clock, which is this machine's, and the last one that a decision service
 * can have was sent before Kafka was gone. So no call that is *made* later than this after it may find grants fresh, without any tolerance.
 */
const CLOSED_AFTER_MS = FRESH_WITHIN_MS;
/** An answer for which there was no time is asked for again, so often in a row; of a hundred calls one may need that on a busy machine. */
const TRIES = 3;
const LATE_SHARE = 0.01;

const possible = await canStartSystem();
let system: System;
let stage: Stage;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem();
  stage = realStage(system);
  await openWindow(stage);
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
}, 60_000);

type Outage = { readonly name: string; readonly forMs: number; begin(): Promise<void>; end(): Promise<void> };
const outages: readonly Outage[] = [
  { name: "stopped for 30 s", forMs: 30_000, begin: () => system.kafka.stop(), end: () => system.kafka.start() },
  { name: "killed for 10 s", forMs: 10_000, begin: () => system.kafka.kill(), end: () => system.kafka.start() },
  {
    name: "frozen for 12 s",
    forMs: 12_000,
    begin: async () => system.kafka.freeze(),
    end: async () => system.kafka.thaw(),
  },
];

/** A pending request for each of these orders. */
async function pending(orders: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    orders.map(async (order) => {
      const { body } = await submitted(stage, await deniedId(stage, "DELETE", `/orders/${order}`));
      return textAt(body, "request", "id");
    }),
  );
}

/**
 * Until when a grant stays open whatever becomes of Kafka, on the clock of this process: by a heartbeat that the decision service has, since another one
 * came to it after that one was made. They are made every second, on a busy machine later.
 */
async function openUntil(): Promise<number> {
  const made = () => metricTotal(system.approval.opsUrl, "countersign_approval_state_heartbeat_timestamp_seconds");
  const [decision] = system.decisions;
  const label = { outcome: "heartbeat" };
  const come = () => metricTotal(decision?.opsUrl ?? "", "countersign_decision_state_records_total", label);
  return waitUntil("a heartbeat that comes soon after it was made", 120_000, async () => {
    const [before, seen] = [await made(), await come()];
    await waitUntil("another heartbeat", 60_000, async () => (await come()) > seen);
    const leftMs = before * 1_000 + FRESH_WITHIN_MS - Date.now();
    return leftMs > 2_000 && performance.now() + leftMs;
  });
}

type Told = { readonly status: number; readonly body: unknown };

/** The last part of the problem type; undefined where Envoy answers by itself, since no decision came in time. */
function problemOf(body: unknown): string | undefined {
  const { type }: { readonly type?: unknown } = Object(body);
  return typeof type === "string" ? type.replace("urn:countersign:problem:", "") : undefined;
}

/** Whether it says nothing but that there was no time for an answer. */
function ranOutOfTime({ status, body }: Told): boolean {
  return status === 503 && [undefined, "deadline_exceeded", "overloaded"].includes(problemOf(body));
}

/** Calls again and again until told to stop; every answer with the time of its call, and that by which it was there. */
function traffic(call: () => Promise<Told>, everyMs: number) {
  const answers: (Told & { readonly sentAt: number; readonly doneAt: number })[] = [];
  let again = 0;
  let on = true;
  const running = (async () => {
    while (on) {
      for (let tries = 1; ; tries += 1) {
        const sentAt = performance.now();
        const { status, body } = await call();
        if (tries < TRIES && ranOutOfTime({ status, body })) {
          if (tries === 1) again += 1;
          continue;
        }
        answers.push({ sentAt, doneAt: performance.now(), status, body });
        break;
      }
      await sleep(everyMs);
    }
  })();
  return {
    answers,
    /** How many calls were made again. */
    again: () => again,
    async stop() {
      on = false;
      await running;
    },
  };
}

(possible ? describe : describe.skip)("Kafka gone, under traffic", () => {
  test.each(outages)(
    "$name",
    async ({ name, forMs, begin, end }) => {
      const run = name.replaceAll(/\W/g, "");
      const votes = Math.floor(forMs / 1_000);
      const toApprove = await pending(Array.from({ length: votes }, (_, n) => `${run}-a${n}`));
      const toCancel = await pending(Array.from({ length: votes }, (_, n) => `${run}-c${n}`));
      const dana = await stage.as("dana");
      const direct = createCall(system.orders.url, undefined);
      await direct("POST", "/orders", { body: { id: `${run}-x`, item: "vase" } });

      const reads = traffic(() => dana.proxy("GET", "/orders/42"), 20);
      const elevations = traffic(() => dana.proxy("DELETE", `/orders/${run}-x`), 100);
      const window = traffic(() => dana.proxy("GET", "/refunds"), 100);
      await waitUntil("the window to be open", 60_000, () => window.answers.at(-1)?.status === 200);
      const stillOpen = await openUntil();
      const going = performance.now();
      await begin();
      const gone = performance.now();
      for (const [n, request] of toApprove.entries()) {
        const until = gone + ((n + 1) * forMs) / votes;
        expect(await approved(stage, request, { max_uses: 1 })).toMatchObject({ status: 200 });
        const cancel = await dana.approvals("POST", `/v1/requests/${toCancel[n]}/cancel`, { body: {} });
        expect(cancel.status).toBe(200);
        await sleep(Math.max(0, until - performance.now()));
      }
      const back = performance.now();
      await end();
      await waitUntil("elevations to be offered again", 120_000, () => elevations.answers.at(-1)?.status === 403);
      await waitUntil("the window to be open again", 60_000, () => window.answers.at(-1)?.status === 200);
      const healedMs = Math.round(performance.now() - back);
      for (const one of [reads, elevations, window]) await one.stop();

      expect(reads.answers.filter(({ status }) => status !== 200)).toEqual([]);
      expect(reads.again()).toBeLessThanOrEqual(reads.answers.length * LATE_SHARE);
      const late = [...elevations.answers, ...window.answers].filter(
        ({ sentAt }) => sentAt > gone + CLOSED_AFTER_MS && sentAt < back,
      );
      expect(late.length).toBeGreaterThan(0);
      expect(late.filter(({ status, body }) => status !== 503 || problemOf(body) !== "grants_stale")).toEqual([]);
      const soon = window.answers.filter(({ sentAt, doneAt }) => sentAt > going && doneAt < stillOpen);
      expect(soon.length).toBeGreaterThan(0);
      expect(soon.filter(({ status }) => status !== 200)).toEqual([]);
      expect(elevations.answers.filter(({ status }) => status === 200)).toEqual([]);

      const sequence = ["request.submitted", "review.recorded", "request.approved", "grant.issued"];
      const told = (events: readonly unknown[], request: string) =>
        events.filter((event) => JSON.stringify(event).includes(request)).map(kindOf);
      const decisionIds = [...reads.answers, ...elevations.answers, ...window.answers].flatMap(({ status, body }) =>
        status === 200 ? [] : [textAt(body, "decision_id")],
      );
      const record = await waitUntil("the whole record to be on the topic", 120_000, async () => {
        const read = await readAuditRecord(system);
        const seen = new Set(read.events.map((event) => textAt(event, "id")));
        const complete =
          toApprove.every((request) => told(read.events, request).includes("grant.issued")) &&
          toCancel.every((request) => told(read.events, request).includes("request.cancelled")) &&
          decisionIds.every((decision) => seen.has(decision));
        return complete && read;
      });
      expect(record.verdicts.filter(({ kind }) => kind === "broken")).toEqual([]);
      for (const request of toApprove) expect(told(record.events, request)).toEqual(sequence);
      for (const request of toCancel) {
        expect(told(record.events, request)).toEqual(["request.submitted", "request.cancelled"]);
      }
      const { orders } = await system.orders.book();
      expect(orders.map(({ id }) => id)).toContain(`${run}-x`);
      process.stdout.write(
        `Kafka ${name}: ${reads.answers.length} reads, all allowed, ${reads.again()} at a second try; ${late.length} elevations refused while closed; ` +
          `${votes} approvals and ${votes} cancellations acknowledged and published; healed ${healedMs} ms after; ` +
          `${record.repeated} repeated records\n`,
      );
    },
    240_000,
  );
});
