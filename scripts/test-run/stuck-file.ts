/**
 * Finds the test file that a process of jest does not get on with. A file that never ends, be it in a loop that no limit of time interrupts, would take
 * all the time there is, and nobody would learn which one it was: jest says nothing of a file before its end. Each process names its file in
 * `folder` when it begins (name-test-file.js).
 */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";

export type StuckFile = { readonly pid: number; readonly file: string };

/** Longer than any file takes, on a slow machine too; a process that has nothing left to do is at its last file, and not for as long. */
export const STUCK_MS = 40 * 60_000;

/** The one that was begun so long before `nowMs`; undefined when there is none. */
export async function stuckFile(folder: string, nowMs: number): Promise<StuckFile | undefined> {
  for (const name of await readdir(folder)) {
    const place = path.join(folder, name);
    if (nowMs - (await stat(place)).mtimeMs > STUCK_MS)
      return { pid: Number(name), file: await readFile(place, "utf8") };
  }
  return undefined;
}
