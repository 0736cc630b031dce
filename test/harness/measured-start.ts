/**
 * One start of `npm start`, by npm, and what it took until it was ready: by the clock, of processors, and in memory, over every process of it. Read
 * from /proc by other code than that which prints the memory, so that the one can be held against the other. Linux only.
 */
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { startAsPerson } from "./npm-start.ts";
import { isGroupThere, processesWith, withDescendants } from "./processes-with.ts";

export type MeasuredStart = {
  /** From the making of npm's process to the end of what is said when it is ready. */
  readonly seconds: number;
  /** Processor time of all, of those that ended on the way too. */
  readonly cpuSeconds: number;
  /** Proportional set size of all. */
  readonly megabytes: number;
  readonly processes: number;
  /** What it said itself. */
  readonly printedMegabytes: number;
  /** How much of the processors nobody else had meanwhile, 0 to 1. */
  readonly ours: number;
};

/** `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Starts on this data folder, measures, and ends it as Ctrl-C does; rejects when it does not end well. `root`: of another copy of the project. */
export async function measuredStart(data: string, root?: string): Promise<MeasuredStart> {
  const before = idleSeconds();
  const set = startAsPerson({ cwd: data, env: { COUNTERSIGN_DATA: data }, byNpm: true, ...(root && { root }) });
  const group = set.child.pid ?? Number.NaN;
  let measured: MeasuredStart;
  try {
    const seconds = (await set.ready()) / 1_000;
    const idle = idleSeconds() - before;
    const pids = [...(await withDescendants([group, ...(await processesWith(data))]))];
    const used = await Promise.all(pids.map(usageOf));
    const cpuSeconds = used.reduce((sum, one) => sum + one.cpuSeconds, 0);
    measured = {
      ...{ seconds, cpuSeconds, processes: pids.length },
      megabytes: used.reduce((sum, one) => sum + one.megabytes, 0),
      printedMegabytes: Number(/ (\d+) MB in all\./.exec(set.said())?.[1]),
      ours: Math.min(1, (idle + cpuSeconds) / (seconds * cpus().length)),
    };
  } finally {
    if (isGroupThere(group)) process.kill(-group, "SIGINT");
    await set.ended;
  }
  if ((await set.ended) !== 0) throw new Error(`npm start did not end well:\n${set.said()}`);
  return measured;
}

/** Rejects when it cannot be read: a sum without it would be less than all. */
async function usageOf(pid: number): Promise<{ readonly megabytes: number; readonly cpuSeconds: number }> {
  const mappings = await readFile(`/proc/${pid}/smaps`, "utf8");
  const kilobytes = [...mappings.matchAll(/^Pss:\s+(\d+) kB$/gm)].reduce((sum, [, size]) => sum + Number(size), 0);
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Behind the name in brackets, the state first: utime, stime, and those of children that were waited for.
  const ticks = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 15)
    .reduce((sum, one) => sum + Number(one), 0);
  return { megabytes: kilobytes / 1_024, cpuSeconds: ticks / TICKS_PER_SECOND };
}

function idleSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle / 1_000, 0);
}
