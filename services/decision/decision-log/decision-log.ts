/**
 * The decision log of this process: the log of its boot (boot-log.ts), and those of earlier boots until they are shipped. Another signing key
 * begins another log, since a log's id names its key; the previous log is closed under its own. A decision that could not be recorded is counted,
 * and under `audit: required` it becomes a denial.
 */
import { deny } from "../../../core/domain/decision.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { DecisionLog } from "../ports.ts";
import { type BootLog, type BootLogDeps, type BootLogOptions, openBootLog } from "./boot-log.ts";
import { createEarlierBoots, earlierBoots } from "./earlier-boots.ts";

export type DecisionLogDeps = Pick<BootLogDeps, "stream" | "signer" | "log" | "now"> & { readonly metrics: Metrics };

/** `boot`: a UUID of version 7, new at each start and with each signing key. */
export type DecisionLogOptions = BootLogOptions & {
  /** How long shutdown may wait for the stream; the next start ships the rest. */
  readonly drainMs?: number;
};

export type RunningDecisionLog = DecisionLog &
  AsyncDisposable & {
    /** `failed`: decisions are not being recorded. */
    health(): { readonly status: "ok" | "degraded" | "failed"; readonly detail?: string };
    /** Signs decisions with this key from now on, in a new log. @throws if that cannot be written; then the current log goes on. */
    replaceSigner(signer: Signer, boot: string): void;
  };

/** @throws if the spool folder cannot be written: then nothing may be served. */
export function startDecisionLog(deps: DecisionLogDeps, options: DecisionLogOptions): RunningDecisionLog {
  const { metrics, log } = deps;
  const { required, folder } = options;
  const appended = metrics.counter("decision_log_appended_total", "decisions by whether they were recorded", [
    "outcome",
  ]);
  const acknowledged = metrics.counter("decision_log_shipped_total", "records acknowledged by the stream");
  const shipped = (records: number) => acknowledged.inc(records);
  const bootDeps = { ...deps, shipped, counted: (outcome: string, count: number) => appended.inc({ outcome }, count) };
  let current = openBootLog(bootDeps, options);
  /** Of former keys, until they are shipped. */
  const ending = new Map<BootLog, Promise<void>>();
  const logs = () => [current, ...ending.keys()];
  metrics.gauge("decision_log_spool_bytes", "bytes recorded but not yet acknowledged by the stream", [], (gauge) =>
    gauge.set(logs().reduce((sum, one) => sum + one.bytes(), 0)),
  );
  const stopping = new AbortController();
  /** Nothing is waited for any more. */
  const over = new AbortController();
  const earlier = createEarlierBoots({ ...deps, shipped }, options);
  const recovering = earlier.ship(earlierBoots(folder, options.boot), stopping.signal);

  const end = (one: BootLog): Promise<void> =>
    one
      .end(over.signal)
      .catch((error: unknown) =>
        log.error({ event: "decision_log_not_ended", err: error }, "a log is not closed; the next start closes it"),
      );

  return {
    async append(entry) {
      const lost = await current.append(entry);
      if (!required || !lost.has(entry)) return undefined;
      // NB: then the decision did not happen. A use that was redeemed for it stays spent.
      const { subject, policyRevision } = entry;
      return { subject, policyRevision, decision: deny("audit_unavailable") };
    },
    health() {
      const failing = current.failing();
      if (failing !== undefined) return { status: required ? "failed" : "degraded", detail: failing };
      const behind = [...logs(), earlier].map((one) => one.behind()).find((one) => one !== undefined);
      return behind === undefined ? { status: "ok" } : { status: "degraded", detail: behind };
    },
    replaceSigner(signer, boot) {
      const former = current;
      current = openBootLog({ ...bootDeps, signer }, { ...options, boot });
      const ended = end(former).finally(() => ending.delete(former));
      ending.set(former, ended);
    },
    async [Symbol.asyncDispose]() {
      if (stopping.signal.aborted) return;
      stopping.abort();
      const timer = setTimeout(() => over.abort(), options.drainMs ?? 3_000);
      await Promise.all([recovering, end(current), ...ending.values()]);
      clearTimeout(timer);
    },
  };
}
