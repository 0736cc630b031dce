/**
 * The Node options of every process of a service, in the one file that holds them (node-options, beside this one): read here by whoever starts a
 * program as a process, and by scripts/service.sh for npm and the images. Workers inherit them from their parent.
 *
 * `--max-semi-space-size`: a young generation that stays small keeps a process small and its pauses short, where V8 would let it grow with the
 * load. At 8 MiB a decision service under load pauses half as often as at 4, and no longer each time; at 16 each pause takes more than twice as
 * long.
 *
 * `--no-allocation-site-pretenuring`: V8 would make what outlived its first collections during the start, such as the parts of streams, in the old
 * generation ever after. Of a server each of them leads to one call, which then becomes old as a whole: under load there are several times as many full
 * collections, and those of the young generation take three times as long.
 *
 * `--heap-growing-percent`: a full collection comes when there is as much again as the last one left. V8 would rather have many while little becomes old,
 * each few megabytes: that saves some tens of megabytes, and costs whoever asks meanwhile as many milliseconds each time.
 *
 * `--single-threaded-gc`: the heap is marked in steps of a millisecond or two, among the calls. V8 would rather have other threads do it, a tenth of a
 * second each time, which is well where they have cores of their own; beside a busy event loop on the same one they take every other turn of it.
 * Measured with a heap of some 50 MB; what the pauses of one are that holds hundreds of thousands of profiles is not known.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const FILE = join(import.meta.dirname, "node-options");
const QUICK_START = join(import.meta.dirname, "quick-start.js");

/** For a command line: those of the file, and what makes a start quick. */
export async function nodeOptions(): Promise<readonly string[]> {
  return [...(await engineOptions()), "--import", QUICK_START];
}

/** Those of the file alone, for what is measured as a service and is none. */
export async function engineOptions(): Promise<readonly string[]> {
  return (await readFile(FILE, "utf8")).split(/\s+/).filter((option) => option !== "");
}
