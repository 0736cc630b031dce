/**
 * One process at a time per lock file, on one machine. Serves to save a second download, not to protect data: what is
 * fetched is put in place by one rename, so two holders at once (possible for an instant when a dead holder's file is
 * removed by two waiters) cost time and nothing else.
 */
import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** Runs `work` while holding `file`. Waits as long as the process that holds it lives. */
export async function withLock<T>(file: string, onWait: (holder: string) => void, work: () => Promise<T>): Promise<T> {
  let announced = false;
  while (!(await take(file))) {
    const holder = await readFile(file, "utf8").catch(() => "");
    if (holder === "") continue;
    if (!isAlive(Number(holder))) {
      await rm(file, { force: true });
      continue;
    }
    if (!announced) onWait(holder);
    announced = true;
    await delay(250);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** The file appears with its content or not at all, so a reader never finds an owner that is not named yet. */
async function take(file: string): Promise<boolean> {
  const own = `${file}-${randomUUID()}`;
  await writeFile(own, String(process.pid));
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, "ESRCH");
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
