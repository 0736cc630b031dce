/**
 * Fewer workers than before: what a former one could not ship stands in a folder that nobody reads any more. Its files are moved to where the
 * first worker, or the only process, finds them at its start as logs of earlier boots, closes and ships them (a boot's name is unique).
 *
 * NB: closing the log of a process that still writes would break it. By contract a folder has one owner, and the owner is gone when its number
 * is; but workers whose watcher was killed outlive it while they drain. So a log that does not say its own end is left alone until
 * nothing was written to it for as long as a drain may take: by the wall clock, or, where that was set back, as long as it was watched.
 */
import { readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../../platform/clock.ts";
import type { Log } from "../../../platform/log/log.ts";
import { formerWorkerFolders } from "../../../platform/workers/config.ts";
import { bootsIn, segmentsOf } from "./spool-files.ts";

const POLL_MS = 250;

type AdoptOptions = {
  /** Of the first worker. */
  readonly folder: string;
  /** How many there are now; what those beyond that number left is taken over. */
  readonly workers: number;
  /** How long a process that nobody watches any more may still live. */
  readonly quietMs: number;
};

/** Resolves when all is moved, within about `quietMs`. What cannot be moved is said, stays, and does not hold up the start. */
export async function adoptSpools(
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  { folder, workers, quietMs }: AdoptOptions,
): Promise<void> {
  await Promise.all(
    formerWorkerFolders(folder, workers).map(async (from) => {
      try {
        const quiet = new Map(
          bootsIn(from).map((boot) => [boot, watched(() => lastWrite(from, boot), clock, quietMs)]),
        );
        for (const [boot, isQuiet] of quiet) {
          while (!isOver(from, boot) && !isQuiet()) await sleep(POLL_MS);
          moveBoot(from, folder, boot);
          log.warn(
            { event: "decision_log_adopted", boot, from },
            "a removed worker left decisions that were not shipped; they are shipped now",
          );
        }
      } catch (error) {
        log.error(
          { event: "decision_log_abandoned", from, err: error },
          "a removed worker left decisions that cannot be taken over; they stay where they are",
        );
      }
    }),
  );
}

/** By its own last word. */
function isOver(folder: string, boot: string): boolean {
  const { path } = segmentsOf(folder, boot).at(-1) ?? {};
  const [line] = path === undefined ? [] : readFileSync(path, "utf8").trimEnd().split("\n").slice(-1);
  return line?.includes('"kind":"log_closed"') ?? false;
}

/** Says whether nothing was written for so long. */
function watched(lastWriteMs: () => number, clock: Clock, quietMs: number): () => boolean {
  let [seen, since] = [lastWriteMs(), clock.monotonicMs()];
  return () => {
    const last = lastWriteMs();
    if (last !== seen) [seen, since] = [last, clock.monotonicMs()];
    return clock.wallMs() - last >= quietMs || clock.monotonicMs() - since >= quietMs;
  };
}

function lastWrite(folder: string, boot: string): number {
  return Math.max(...segmentsOf(folder, boot).map(({ path }) => statSync(path).mtimeMs));
}

/** What was acknowledged goes first: without it records are only sent twice, and with it alone nothing is. */
function moveBoot(from: string, to: string, boot: string): void {
  const names = readdirSync(from).filter((name) => name.startsWith(`${boot}.`));
  for (const name of names.sort().toReversed()) renameSync(join(from, name), join(to, name));
}
