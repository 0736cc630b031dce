/**
 * After the number of workers was reduced: what a removed worker could not ship is in a folder that nobody reads any more. Its files are moved to
 * the folder of the first worker (or the only process), which at start treats them as logs of earlier boots, closes and ships them. Names of
 * boots are unique.
 *
 * NB: closing the log of a process that still writes would break it. A folder has one owner, which is gone when its number is; but workers whose
 * parent was killed outlive it while they drain. So a log that was not closed is left alone until nothing has been written to it for as long as
 * draining may take: by the wall clock, or, if that was set back, by how long it was watched.
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
  /** The first worker's. */
  readonly folder: string;
  /** How many there are now; folders of workers beyond that number are taken over. */
  readonly workers: number;
  /** How long a process whose parent is gone may still live. */
  readonly quietMs: number;
};

/** Resolves when everything is moved, within about `quietMs`. What cannot be moved is logged, stays, and does not delay the start. */
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

/** Whether its last record closes it. */
function isOver(folder: string, boot: string): boolean {
  const { path } = segmentsOf(folder, boot).at(-1) ?? {};
  const [line] = path === undefined ? [] : readFileSync(path, "utf8").trimEnd().split("\n").slice(-1);
  return line?.includes('"kind":"log_closed"') ?? false;
}

/** Whether nothing was written for `quietMs`. */
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

/** The acknowledgement is moved first: without it records are only sent twice, and alone it sends nothing. */
function moveBoot(from: string, to: string, boot: string): void {
  const names = readdirSync(from).filter((name) => name.startsWith(`${boot}.`));
  for (const name of names.sort().toReversed()) renameSync(join(from, name), join(to, name));
}
