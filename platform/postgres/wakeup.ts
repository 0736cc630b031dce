/**
 * Wakes a loop that looks for work in a table: at once by NOTIFY, and every second in any case. Correctness relies on the poll; the notification
 * only makes it fast, so a lost session is restored in the background and costs nothing but a second.
 */
import { aborted } from "../aborted.ts";
import { createBackoff } from "../backoff.ts";
import type { Log } from "../log/log.ts";
import type { Database } from "./pool.ts";

export interface Wakeup extends AsyncDisposable {
  /** Resolves at the next notification (one that came since the last call counts), after the poll interval, or when `signal` aborts. */
  next(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** `channel` is a plain lower-case identifier, as in `notify channel`. */
export function createWakeup(
  { database, log }: { readonly database: Pick<Database, "openSession">; readonly log: Log },
  { channel, pollMs = 1_000 }: { readonly channel: string; readonly pollMs?: number },
): Wakeup {
  if (!/^[a-z_][a-z0-9_]*$/.test(channel)) throw new Error(`not a plain channel name: ${channel}`);
  const stop = new AbortController();
  let rung = false;
  let ring: () => void = () => {};

  function wake(): void {
    rung = true;
    ring();
  }

  async function listen(): Promise<void> {
    const backoff = createBackoff({ firstMs: 100, maxMs: 5_000 });
    while (!stop.signal.aborted) {
      try {
        await using session = await database.openSession(`listen ${channel}`);
        session.onNotification(wake);
        await session.query(`listen ${channel}`);
        wake(); // what was notified while nobody listened
        backoff.reset();
        await aborted(AbortSignal.any([stop.signal, session.lost]));
      } catch (error) {
        log.debug({ event: "wakeup_polls", err: error, channel }, "cannot listen for notifications; polling");
      }
      await backoff.wait(stop.signal).catch(() => {});
    }
  }
  const listening = listen();

  return {
    async next(signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pollMs);
          ring = () => {
            clearTimeout(timer);
            resolve();
          };
          signal.addEventListener("abort", ring, { once: true });
        });
        signal.removeEventListener("abort", ring);
      }
      rung = false;
    },
    async close() {
      stop.abort();
      await listening;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}
