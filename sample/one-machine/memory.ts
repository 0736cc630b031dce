/** How much memory processes really take: proportional set size, in which what several share is counted once. Linux only. */
import { readdir, readFile } from "node:fs/promises";
import { codeOf } from "./data-folder.ts";

/** `unreadable`: processes whose memory the system does not tell us, and which are not in the sum. */
type Memory = { readonly megabytes: number; readonly unreadable: number };

/** Of these processes and all below them; undefined where there is no /proc. */
export async function memoryOf(roots: readonly number[]): Promise<Memory | undefined> {
  const parents = await parentOf();
  if (parents.size === 0) return undefined;
  const belongs = (pid: number): boolean => roots.includes(pid) || (parents.has(pid) && belongs(parents.get(pid) ?? 0));
  const each = await Promise.all([...parents.keys()].filter(belongs).map(kilobytesOf));
  const read = each.filter((one) => one !== undefined);
  return {
    megabytes: Math.round(read.reduce((sum, one) => sum + one, 0) / 1_024),
    unreadable: each.length - read.length,
  };
}

/** For people: nothing where nothing is known, and never a sum that looks like all when it is not. */
export function memoryText(memory: Memory | undefined): string {
  if (memory === undefined) return "";
  const { megabytes, unreadable } = memory;
  if (unreadable === 0) return `${megabytes} MB in all.`;
  const without = unreadable === 1 ? "one process" : `${unreadable} processes`;
  return `${megabytes} MB, without ${without} whose memory cannot be read.`;
}

/** Undefined when it may not be known; none of one that has ended, since it takes none. */
async function kilobytesOf(pid: number): Promise<number | undefined> {
  try {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  } catch (error) {
    const code = codeOf(error);
    return code === "ENOENT" || code === "ESRCH" ? 0 : undefined;
  }
}

async function parentOf(): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  for (const name of await readdir("/proc").catch(() => [])) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    found.set(pid, Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0));
  }
  return found;
}
