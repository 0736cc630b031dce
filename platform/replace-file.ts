/**
 * Replaces a file atomically: the new one is written beside the old one, synced, and renamed. Whenever the process is killed or the machine
 * stops, the old or the new file is there. One process writes in a folder; leftovers of killed ones are removed.
 */
import { open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "./make-folder.ts";

/** For its owner only; the folder is made when it is not there. Rejects when it is not there, or not surely on the disk. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const folder = dirname(path);
  makeFolder(folder);
  const scratch = `${path}.${process.pid}`;
  await writeFile(scratch, content, { mode: 0o600, flush: true });
  await rename(scratch, path);
  await using names = await open(folder);
  await names.sync();
  await removeLeftovers(folder, `${basename(path)}.`);
}

async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  const found = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  await Promise.all(found.map((name) => rm(join(folder, name), { force: true })));
}
