/**
 * The life of a process: one AbortSignal that says "finish", a stack of what must be closed, and one way out. SIGTERM and SIGINT begin the end:
 * announcements are made while everything still works (`beforeEnd`; another signal cuts that short). Then it drains: the signal aborts, and
 * owners are disposed of in reverse order, so what was started last (the listeners) stops first and what everything depends on (the pool) last. A
 * drain that takes too long, or a signal during it, ends the process at once. An uncaught error is logged and begins the drain without
 * announcements: the state of the process is no longer known. CannotStart is logged as its sentence, without a stack. A forked process ends when
 * its parent is gone, as on a signal: nobody would restart or end it.
 *
 * It never calls process.exit; main.ts does, with the code that `run` resolves to.
 */
import { aborted } from "../aborted.ts";
import type { Log } from "../log/log.ts";
import { CannotStart } from "./cannot-start.ts";

/**
 * For what is in the log and not yet written: two seconds. Lines take microseconds; this is for a machine that has no time for them.
 * NB: in steps: one timer that comes due while the event loop is held up would fire before the loop hears that they are written.
 */
const LAST_LINES = { steps: 20, stepMs: 100 };

export interface Lifecycle {
  /** Aborted once, when the process begins to end. */
  readonly signal: AbortSignal;
  /** Hands over an owner of a resource; returns it. Disposed of in reverse order of handing over. */
  own<T extends AsyncDisposable | Disposable>(owner: T): T;
  /**
   * Done when a signal comes, and waited for before anything ends: everything still works meanwhile. Not for an end by a fault, which does not
   * wait for it either.
   */
  beforeEnd(work: () => Promise<void>): void;
  /** Begins the end. The first call decides the exit code: 0 without a fault, 1 with one, or what a CannotStart says. */
  stop(fault?: unknown): void;
}

export interface LifecycleOptions {
  /** How long the drain may take before the process ends without it. */
  readonly drainDeadlineMs: number;
  /** Where signals and uncaught errors come from: `process`. */
  readonly source: Pick<NodeJS.EventEmitter, "on" | "off">;
}

/**
 * Runs `start`, then waits until something stops the process, drains, and resolves with the exit code. A rejection of `start` stops it too
 * (what was owned by then is disposed of). Never rejects.
 */
export async function run(
  { log }: { readonly log: Log },
  { drainDeadlineMs, source }: LifecycleOptions,
  start: (lifecycle: Lifecycle) => Promise<void>,
): Promise<number> {
  const stopping = new AbortController();
  const forced = Promise.withResolvers<"forced">();
  const owners = new AsyncDisposableStack();
  const notices: (() => Promise<void>)[] = [];
  let isTold = false;
  let exitCode = 0;
  let refusal: CannotStart | undefined;

  const lifecycle: Lifecycle = {
    signal: stopping.signal,
    own: (owner) => owners.use(owner),
    beforeEnd: (work) => void notices.push(work),
    stop(fault) {
      if (stopping.signal.aborted) return;
      if (fault instanceof CannotStart) {
        exitCode = fault.exitCode;
        refusal = fault;
      } else if (fault !== undefined) {
        exitCode = 1;
        log.fatal({ event: "stopping_after_fault", err: fault }, "stopping after a fault");
      }
      stopping.abort(fault ?? new Error("stopping"));
    },
  };
  const onSignal = (name: string) => {
    if (stopping.signal.aborted) forced.resolve("forced");
    log.info({ event: "stopping", signal: name }, "stopping");
    if (isTold || notices.length === 0) return lifecycle.stop();
    isTold = true;
    void Promise.all(notices.map((work) => work())).then(
      () => lifecycle.stop(),
      (error: unknown) => lifecycle.stop(error),
    );
  };
  const onDisconnect = () => onSignal("disconnect");
  const onUncaught = (error: unknown) => {
    if (stopping.signal.aborted)
      log.error({ event: "uncaught_while_stopping", err: error }, "uncaught error while stopping");
    lifecycle.stop(error ?? new Error("rejected without a reason"));
  };
  source.on("SIGTERM", onSignal);
  source.on("SIGINT", onSignal);
  source.on("disconnect", onDisconnect);
  source.on("uncaughtException", onUncaught);
  source.on("unhandledRejection", onUncaught);
  try {
    const started = start(lifecycle).catch((error: unknown) => lifecycle.stop(error));
    await aborted(stopping.signal);
    const drained = started
      .then(() => owners.disposeAsync())
      .then(
        () => "drained" as const,
        (error: unknown) => {
          log.error({ event: "drain_failed", err: error }, "not everything could be closed cleanly");
          exitCode = 1;
          return "drained" as const;
        },
      );
    // NB: it keeps the process alive: a drain that waits for what never comes would otherwise end it without a word.
    const late = Promise.withResolvers<"too slow">();
    const timer = setTimeout(() => late.resolve("too slow"), drainDeadlineMs);
    const outcome = await Promise.race([drained, forced.promise, late.promise]);
    clearTimeout(timer);
    if (outcome !== "drained") {
      log.error({ event: "drain_incomplete", outcome }, "ending without a complete drain");
      exitCode = 1;
    }
    // The last line, so that whoever looks at the end of the log reads the reason and not the end of something else.
    if (refusal !== undefined) {
      log.debug({ event: "cannot_start_cause", err: refusal.cause }, "why it cannot start");
      log.fatal({ event: "cannot_start" }, `cannot start: ${refusal.message}`);
    }
    await written(log);
    return exitCode;
  } finally {
    source.off("SIGTERM", onSignal);
    source.off("SIGINT", onSignal);
    source.off("disconnect", onDisconnect);
    source.off("uncaughtException", onUncaught);
    source.off("unhandledRejection", onUncaught);
  }
}

/**
 * Until every line is out, in its order; or until it has taken too long, since whoever should read it may have stopped. Then the exit of the
 * process is a SIGKILL (standard-output.ts), and its code is lost.
 */
async function written(log: Log): Promise<void> {
  const done = Promise.withResolvers<void>();
  let steps = 0;
  const timer = setInterval(() => {
    steps += 1;
    if (steps === LAST_LINES.steps) done.resolve();
  }, LAST_LINES.stepMs);
  log.flush(() => done.resolve());
  await done.promise;
  clearInterval(timer);
}
