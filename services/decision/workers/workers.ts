/**
 * The workers of one decision service. Each is forked, restarted with growing pauses when it ends by itself, and sent the signals that this
 * process gets: SIGHUP, which would end a worker that is still starting and so waits until the worker says that it handles it
 * (platform/lifecycle/early-hang-up.ts); at the end SIGTERM, then SIGKILL for one that does not drain. They share nothing: Envoy has each as an
 * endpoint of one cluster and leaves out one whose health check fails.
 *
 * A worker whose configuration is refused at its first start ends everything; later it is tried again, since the others serve. NB: each is in a
 * process group of its own, so that Ctrl-C in a terminal reaches only this process and nobody is signalled twice. When this process is gone, for
 * whatever reason, their channel to it closes and they drain (platform/lifecycle).
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createBackoff } from "../../../platform/backoff.ts";
import { EX_CONFIG } from "../../../platform/config/exit-code.ts";
import { CannotStart } from "../../../platform/lifecycle/cannot-start.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { WorkerPlan } from "../../../platform/workers/config.ts";

/** A worker that ran for so long has started well: the next pause is the shortest again. */
const STEADY_MS = 30_000;
const PAUSE = { firstMs: 200, maxMs: 10_000 };

type Workers = AsyncDisposable & {
  /** Has each read its configuration again; one that is starting does so as soon as it can. */
  hangUp(): void;
};

type WorkersDeps = {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
  /** Aborted when this process begins to end: no worker is restarted. */
  readonly signal: AbortSignal;
  readonly stop: (fault: unknown) => void;
};

type WorkersOptions = {
  readonly plans: readonly WorkerPlan[];
  readonly file: string;
  readonly args: readonly string[];
  /** How long one may take to end before it is killed. */
  readonly killAfterMs: number;
};

type Running = { readonly child: ChildProcess; readonly hears: Promise<unknown> };
type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export function startWorkers(deps: WorkersDeps, { plans, file, args, killAfterMs }: WorkersOptions): Workers {
  const { log, metrics, monotonicMs, signal, stop } = deps;
  const up = metrics.gauge("worker_up", "1 while the worker's process runs", ["worker"]);
  const starts = metrics.counter("worker_starts_total", "starts of a worker, including the first", ["worker"]);
  const running = new Map<number, Running>();

  async function keep(plan: WorkerPlan): Promise<void> {
    const worker = String(plan.number);
    const backoff = createBackoff(PAUSE);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const begun = monotonicMs();
      const child = fork(file, args, {
        env: plan.env,
        detached: true,
        stdio: ["inherit", "inherit", "inherit", "ipc"],
      });
      running.set(plan.number, { child, hears: new Promise((resolve) => void child.once("message", resolve)) });
      starts.inc({ worker });
      up.set({ worker }, 1);
      log.info({ event: "worker_started", worker, pid: child.pid, port: plan.port }, "a worker is started");
      const ended = await endOf(child);
      running.delete(plan.number);
      up.set({ worker }, 0);
      if (signal.aborted) return;
      log.error({ event: "worker_ended", worker, pid: child.pid, ...ended }, "a worker ended; it is started again");
      if (isFirst && ended.code === EX_CONFIG) {
        stop(new CannotStart(`worker ${worker} refuses its configuration; it says why above`));
        return;
      }
      if (monotonicMs() - begun > STEADY_MS) backoff.reset();
      await backoff.wait(signal).catch(() => {});
    }
  }

  const kept = plans.map(keep);
  const tell = (name: NodeJS.Signals) => {
    for (const { child } of running.values()) child.kill(name);
  };
  return {
    hangUp() {
      for (const { child, hears } of running.values()) void hears.then(() => child.kill("SIGHUP"));
    },
    async [Symbol.asyncDispose]() {
      tell("SIGTERM");
      const late = setTimeout(() => tell("SIGKILL"), killAfterMs);
      await Promise.all(kept);
      clearTimeout(late);
    },
  };
}

/** Also of one that could not be started at all. */
async function endOf(child: ChildProcess): Promise<Ended> {
  try {
    await once(child, "exit");
  } catch {
    // Not even a process: it has neither code nor signal.
  }
  return { code: child.exitCode, signal: child.signalCode };
}
