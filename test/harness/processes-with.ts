/** Processes by what stands on their command line, and groups of them: whether something is left. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** Process ids of all whose command line has each of these words. */
export async function processesWith(...words: readonly string[]): Promise<readonly number[]> {
  if (existsSync("/proc/self/cmdline")) {
    const all = await Promise.all(
      (await allPids()).map(async (pid) => {
        const args = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""); // ended since
        return { pid: Number(pid), line: args.replaceAll("\0", " ") };
      }),
    );
    return all.filter(({ line }) => words.every((word) => line.includes(word))).map(({ pid }) => pid);
  }
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,args="], { maxBuffer: 16 * 1024 * 1024 });
  return stdout
    .split("\n")
    .filter((line) => words.every((word) => line.includes(word)))
    .map((line) => Number(line.trim().split(" ")[0]));
}

async function allPids(): Promise<readonly string[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
}

/** These, and all that descend from them. Linux only. */
export async function withDescendants(pids: readonly number[]): Promise<ReadonlySet<number>> {
  const all = await allPids();
  const parents = await Promise.all(
    all.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      return { pid: Number(pid), parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]) };
    }),
  );
  const found = new Set(pids);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of parents) if (found.has(parent)) found.add(pid);
  }
  return found;
}

/** Whether a process of this group is left. */
export function isGroupThere(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}
