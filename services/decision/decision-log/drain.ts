/**
 * Ships one boot's log in the background, batch after batch, and never gives up: what the stream does not acknowledge, what the spool cannot read
 * and what fails unexpectedly is tried again, with growing pauses. The first failure is logged, and `behind` says why until shipping works again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createBackoff } from "../../../platform/backoff.ts";
import type { Log } from "../../../platform/log/log.ts";
import { errorLine } from "../../../platform/log/shown-error.ts";
import type { Shipper } from "./ship.ts";

type DrainDeps = {
  readonly shipper: Shipper;
  readonly log: Log;
  readonly onShipped: (batch: { readonly records: number; readonly bytes: number }) => void;
};

type Drain = {
  /** Ships until nothing is left, or for as long as the signal lasts. Never rejects; one call at a time. */
  run(until: "empty" | "stopped", signal: AbortSignal): Promise<void>;
  /** There is something to ship again. */
  wake(): void;
  /** Why records are not being shipped. */
  behind(): string | undefined;
};

/** Pause that lets a batch gather, which costs the same for one record as for many; no answer waits for it. */
const LINGER_MS = 50;

const BEHIND = {
  not_acknowledged: "the stream does not acknowledge decisions",
  unreadable: "the spool cannot be read",
  failed: "shipping fails unexpectedly; decision_log_ship_failed in the log has the error",
} as const;

const unreadable = (cause: unknown) => ({ kind: "unreadable", cause }) as const;

export function createDrain({ shipper, log, onShipped }: DrainDeps): Drain {
  let behind: keyof typeof BEHIND | undefined;
  let awake = Promise.withResolvers<void>();
  const backoff = createBackoff({ firstMs: 100, maxMs: 5_000 });

  /** Says whether there may be more. Rejects when the signal ends a wait. */
  async function shipOne(until: "empty" | "stopped", signal: AbortSignal): Promise<boolean> {
    // Before looking, so that what is appended while we look wakes us.
    awake = Promise.withResolvers<void>();
    const batch = await shipper.next().catch(unreadable);
    switch (batch.kind) {
      case "nothing":
        if (until === "empty") return false;
        await awake.promise;
        await sleep(LINGER_MS, undefined, { signal });
        return true;
      case "shipped":
        onShipped(batch);
        behind = undefined;
        backoff.reset();
        if (until === "stopped" && !batch.isFull) await sleep(LINGER_MS, undefined, { signal });
        return true;
      default:
        if (behind === undefined)
          log.warn(
            { event: "decision_log_behind", why: batch.kind, reason: errorLine(batch.cause) },
            "decisions cannot be shipped to the stream; they wait in the spool",
          );
        behind = batch.kind;
        await backoff.wait(signal);
        return true;
    }
  }

  const wake = () => awake.resolve();
  return {
    async run(until, signal) {
      signal.addEventListener("abort", wake, { once: true });
      while (!signal.aborted) {
        try {
          if (!(await shipOne(until, signal))) break;
        } catch (error) {
          if (signal.aborted) break;
          if (behind !== "failed")
            log.error(
              { event: "decision_log_ship_failed", err: error },
              "shipping decisions failed unexpectedly; they stay in the spool and are tried again; report the error",
            );
          behind = "failed";
          await backoff.wait(signal).catch(() => {});
        }
      }
      signal.removeEventListener("abort", wake);
    },
    wake,
    behind: () => (behind === undefined ? undefined : BEHIND[behind]),
  };
}
