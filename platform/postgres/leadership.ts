/**
 * Runs a task in at most one process at a time: while a session-level advisory lock is held, on a session of its own. The task gets that very
 * session for what only the leader may do, so a leader whose session is gone notices by a failing query, not by a clock. Nobody queues at the
 * server: the lock is tried, so a standby never holds a transaction open.
 *
 * NB: the lock fences nothing outside this session. A deposed leader may still have a publish in transit; what it writes to the database through
 * the lease fails.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { aborted } from "../aborted.ts";
import { type Backoff, createBackoff } from "../backoff.ts";
import type { Log } from "../log/log.ts";
import { ping } from "./ping.ts";
import type { Database, Queryable, Session } from "./pool.ts";
import { trySessionLock } from "./session-lock.ts";

/** Leadership while it lasts. `signal` aborts when the session is lost or the process stops; the task then returns or throws soon. */
export interface Lease extends Queryable {
  transaction<T>(name: string, work: (tx: Queryable) => Promise<T>): Promise<T>;
  readonly signal: AbortSignal;
}

export interface Leadership {
  /**
   * Waits for the lock, runs the task, and starts over when the task ends, throws or loses its session. Resolves once `signal` is aborted
   * and the task has ended. A throw is logged (by itself what the task throws, once what ends the session) and followed by a pause that grows
   * until a task returns or has led for `STEADY_MS`.
   */
  run(task: (lease: Lease) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Whether this process leads right now, as far as it knows. */
  readonly leading: boolean;
}

/** How long a standby waits before it asks for the lock again: the longest gap after a leader died. */
const RETRY_MS = 500;
/** Whoever led this long is no task that throws at once: what waits for it (heartbeats, for example) is not kept waiting for earlier throws. */
const STEADY_MS = 5_000;

/** `lockName` is any text; its 64-bit hash is the key of the advisory lock. */
export function createLeadership(
  { database, log }: { readonly database: Pick<Database, "openSession">; readonly log: Log },
  {
    lockName,
    monotonicMs = () => performance.now(),
  }: { readonly lockName: string; readonly monotonicMs?: () => number },
): Leadership {
  let leading = false;
  /** That it was lost; said once, and not again with every try to take it. */
  let isTold = false;

  function lost(err: unknown): void {
    if (!isTold)
      log.warn(
        { event: "leadership_lost", err, lock: lockName },
        "the lock of a loop that only one process runs is lost; it is taken again, here or elsewhere, as soon as the database answers",
      );
    isTold = true;
  }

  function failed(err: unknown): void {
    log.error(
      { event: "loop_failed", err, lock: lockName },
      "a loop that only one process runs failed; it starts again, here or elsewhere, after a pause that grows while it fails",
    );
  }

  /** Rejects when no session can be had, or the one that had the lock is lost. */
  async function term(task: (lease: Lease) => Promise<void>, stop: AbortSignal, backoff: Backoff): Promise<void> {
    await using session = await database.openSession(lockName);
    const signal = AbortSignal.any([stop, session.lost]);
    while (!(await trySessionLock(session, lockName))) await sleep(RETRY_MS, undefined, { signal });
    leading = true;
    const sinceMs = monotonicMs();
    isTold = false;
    log.info({ event: "leading", lock: lockName }, "leading");
    let failure: { readonly error: unknown } | undefined;
    try {
      await task({ query: session.query, transaction: session.transaction, signal });
    } catch (error) {
      failure = { error };
    }
    leading = false;
    if (failure === undefined || monotonicMs() - sinceMs > STEADY_MS) backoff.reset();
    if (failure === undefined) return;
    if (stop.aborted || !(await isOpen(session))) throw failure.error;
    failed(failure.error);
  }

  return {
    async run(task, stop) {
      const backoff = createBackoff({ firstMs: 100, maxMs: 5_000 });
      while (!stop.aborted) {
        try {
          await term(task, stop, backoff);
        } catch (error) {
          if (stop.aborted) return;
          lost(error);
        }
        await backoff.wait(stop).catch(() => {});
      }
    },
    get leading() {
      return leading;
    },
  };
}

/** NB: asked, since `lost` may lag behind the server. */
async function isOpen(session: Session): Promise<boolean> {
  const lost = aborted(session.lost).then(() => false);
  const answered = ping(session).then(
    () => true,
    () => false,
  );
  return Promise.race([lost, answered]);
}
