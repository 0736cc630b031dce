/**
 * The decision log of this boot: written before the answer, all decisions of one turn of the event loop together; fsync
 * behind it (or before it under `audit: required`), shipped in the background, closed at the end. At start the logs of
 * earlier boots are closed and shipped under their own ids.
 * A decision that could not be recorded is counted, and under `required` becomes a deny at the edge.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { rfc3339 } from "../../../core/domain/time.ts";
import type { Instant } from "../../../core/domain/time.ts";
import { decisionLogId } from "../../../core/messages/decision-record.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import { createBackoff } from "../../../platform/backoff.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import type { DecisionLog, LogEntry } from "../ports.ts";
import { loggedDecision } from "./logged-decision.ts";
import { recoverBoot, type Recovered } from "./recover.ts";
import { createShipper, type Shipper } from "./ship.ts";
import { openSpool } from "./spool.ts";
import { bootsIn, removeShipped } from "./spool-files.ts";

export type DecisionLogDeps = {
  readonly stream: Pick<EventStream, "publish">;
  readonly signer: Signer;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Instant;
};

export type DecisionLogOptions = {
  readonly folder: string;
  readonly deployment: string;
  /** A UUID of version 7, new at each start. */
  readonly boot: string;
  readonly required: boolean;
  readonly policyRevision: string | undefined;
  readonly segmentBytes?: number;
  readonly maxSpoolBytes?: number;
  /** How long the end may wait for the stream; what is left then is shipped by the next start. */
  readonly drainMs?: number;
};

type Outcome = Awaited<ReturnType<DecisionLog["append"]>>;

export type RunningDecisionLog = DecisionLog &
  AsyncDisposable & {
    /** `failed`: decisions are not being recorded. */
    health(): { readonly status: "ok" | "degraded" | "failed"; readonly detail?: string };
  };

/** The answer may wait this long for its group under `required`; otherwise the disk follows within the longer one. */
const GROUP_MS = 5;
const LAZY_SYNC_MS = 100;
/** Gathers a batch, which costs the same for one record as for many; no answer waits for it. */
const LINGER_MS = 50;
const MIB = 1024 * 1024;

/** Why what is recorded does not get on; neither is given up on. */
const BEHIND = {
  not_acknowledged: "the stream does not acknowledge decisions",
  unreadable: "the spool cannot be read",
} as const;

const unreadable = (cause: unknown) => ({ kind: "unreadable", cause }) as const;

/** @throws when the spool folder cannot be written: then nothing may be served. */
export function startDecisionLog(deps: DecisionLogDeps, options: DecisionLogOptions): RunningDecisionLog {
  const { stream, signer, log, metrics, now } = deps;
  const { folder, deployment, boot, required } = options;
  const appended = metrics.counter("decision_log_appended_total", "decisions by whether they were recorded", [
    "outcome",
  ]);
  const shipped = metrics.counter("decision_log_shipped_total", "records acknowledged by the stream");
  const spool = openSpool({
    folder,
    boot,
    log: decisionLogId(signer.kid, boot),
    segmentBytes: options.segmentBytes ?? 16 * MIB,
    maxBytes: options.maxSpoolBytes ?? 1024 * MIB,
  });
  metrics.gauge("decision_log_spool_bytes", "recorded and not yet acknowledged", [], (gauge) => gauge.set(spool.bytes));
  const shipperOf = (one: { readonly log: string; readonly boot: string }) =>
    createShipper({ stream, signer }, { folder, deployment, ...one });
  const own = shipperOf({ log: spool.log, boot });
  const stopping = new AbortController();
  let failing: string | undefined;
  /** Some decisions since the last write were refused: that the others were written does not make it whole. */
  let refusedThisTurn = false;
  let behind: keyof typeof BEHIND | undefined;
  let ended = false;
  /** Resolved by whatever is appended, and by the end. */
  let wake = Promise.withResolvers<void>();
  stopping.signal.addEventListener("abort", () => wake.resolve(), { once: true });
  /** Appended and not written yet: until the end of this turn of the event loop. */
  let unwritten: ((outcome: Outcome) => void)[] = [];
  /** Written and waiting for the disk, under `required`. */
  let waiting: ((outcome: Outcome) => void)[] = [];
  let syncTimer: NodeJS.Timeout | undefined;
  let syncing: Promise<void> = Promise.resolve();

  spool.append({ kind: "log_opened", time: rfc3339(now()), policy_revision: options.policyRevision ?? null });
  if (spool.write() !== "written") throw new Error("the decision log's spool cannot be written");

  function notRecorded(outcome: "full" | "broken", decisions: number): void {
    appended.inc({ outcome }, decisions);
    if (failing === undefined)
      log.error({ event: "decision_not_recorded", outcome }, "the spool does not take records");
    failing = `the spool is ${outcome}`;
  }

  function writeGroup(): void {
    const group = unwritten;
    unwritten = [];
    const refused = refusedThisTurn;
    refusedThisTurn = false;
    if (group.length === 0) return;
    const outcome = spool.write();
    if (outcome === "broken") {
      notRecorded(outcome, group.length);
      for (const resolve of group) resolve("failed");
      return;
    }
    appended.inc({ outcome }, group.length);
    if (!refused) failing = undefined;
    wake.resolve();
    scheduleSync();
    if (required) waiting.push(...group);
    else for (const resolve of group) resolve("recorded");
  }

  function append(entry: LogEntry): "appended" | "full" | "broken" {
    try {
      return spool.append(loggedDecision(entry));
    } catch (error) {
      log.error({ event: "decision_without_form", err: error }, "a decision has no record form");
      return "broken";
    }
  }

  function scheduleSync(): void {
    syncTimer ??= setTimeout(
      () => {
        syncTimer = undefined;
        syncing = syncing.then(syncGroup);
      },
      required ? GROUP_MS : LAZY_SYNC_MS,
    );
  }

  async function syncGroup(): Promise<void> {
    const group = waiting;
    waiting = [];
    try {
      await spool.sync();
      for (const resolve of group) resolve("recorded");
    } catch (error) {
      failing = "the spool cannot be synced";
      log.error({ event: "decision_log_sync_failed", err: error }, "the spool cannot be synced");
      for (const resolve of group) resolve("failed");
    }
  }

  async function drain(shipper: Shipper, until: "empty" | "stopped", signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ firstMs: 100, maxMs: 5_000 });
    while (!signal.aborted) {
      // Before looking, so that what is appended while we look wakes us.
      if (shipper === own) wake = Promise.withResolvers<void>();
      const batch = await shipper.next().catch(unreadable);
      if (batch.kind === "nothing") {
        if (until === "empty") return;
        await wake.promise;
        await sleep(LINGER_MS, undefined, { signal });
      } else if (batch.kind === "shipped") {
        shipped.inc(batch.records);
        if (shipper === own) spool.released(batch.bytes);
        behind = undefined;
        backoff.reset();
        if (until === "stopped" && !batch.isFull) await sleep(LINGER_MS, undefined, { signal });
      } else {
        if (!behind)
          log.warn(
            { event: "decision_log_behind", why: batch.kind, reason: String(batch.cause) },
            "decisions do not get on to the stream",
          );
        behind = batch.kind;
        await backoff.wait(signal);
      }
    }
  }

  /** Earlier boots one after the other; one that another key has to sign stays until that key is back. */
  async function shipEarlier(signal: AbortSignal): Promise<void> {
    for (const earlier of bootsIn(folder).filter((one) => one !== boot)) {
      const recovered = recoverOne(earlier);
      if (recovered.kind === "closed" && recovered.log.startsWith(`pdp/${signer.kid}/`)) {
        await drain(shipperOf({ log: recovered.log, boot: earlier }), "empty", signal);
        if (signal.aborted) return;
        removeShipped(folder, earlier, { segment: 0, offset: 0 }, true);
        log.info({ event: "decision_log_recovered", boot: earlier }, "an earlier boot's decisions are shipped");
      } else if (recovered.kind !== "empty") {
        log.error(
          { event: "decision_log_left", boot: earlier, why: recovered.kind },
          "an earlier boot's log stays in the spool",
        );
      }
    }
  }

  function recoverOne(earlier: string): Recovered {
    try {
      return recoverBoot(folder, earlier, now());
    } catch (error) {
      log.error(
        { event: "decision_log_recovery_failed", boot: earlier, err: error },
        "an earlier boot cannot be closed",
      );
      return { kind: "unreadable" };
    }
  }

  const quietly = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      if (stopping.signal.aborted) return;
      log.error({ event: "decision_log_ship_failed", err: error }, "decisions are not shipped any more");
    });
  const background = Promise.all([
    quietly(shipEarlier(stopping.signal)),
    quietly(drain(own, "stopped", stopping.signal)),
  ]);

  return {
    required,
    append(entry) {
      // NB: nothing may follow the record that says how the log ended.
      const outcome = ended ? "broken" : append(entry);
      if (outcome !== "appended") {
        notRecorded(outcome, 1);
        refusedThisTurn = true;
        return Promise.resolve("failed");
      }
      if (unwritten.length === 0) setImmediate(writeGroup);
      return new Promise((resolve) => unwritten.push(resolve));
    },
    health() {
      if (failing !== undefined) return { status: required ? "failed" : "degraded", detail: failing };
      return behind === undefined ? { status: "ok" } : { status: "degraded", detail: BEHIND[behind] };
    },
    async [Symbol.asyncDispose]() {
      if (stopping.signal.aborted) return;
      stopping.abort();
      clearTimeout(syncTimer);
      await background;
      writeGroup();
      ended = true;
      spool.append({ kind: "log_closed", time: rfc3339(now()), tail: "complete" });
      spool.write();
      await syncing.then(syncGroup);
      const drained = await drain(own, "empty", AbortSignal.timeout(options.drainMs ?? 3_000)).then(
        () => spool.bytes === 0,
        () => false,
      );
      spool.close();
      if (drained) removeShipped(folder, boot, { segment: 0, offset: 0 }, true);
    },
  };
}
