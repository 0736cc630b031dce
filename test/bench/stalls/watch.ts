/**
 * Preloaded into the service that is watched: looks at the clock every few milliseconds, and when it was kept from looking says by what, and how much of
 * that was our own code's (own-time.ts).
 *
 * Keeps counts in memory and writes them into the working directory once a second.
 */
import { openSync, readSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";
import { ownTime, type Stretch } from "./own-time.ts";
import { JUDGE_AFTER_MS, type Report, REPORT_FILE, type Stall, STALL_MS } from "./report.ts";

const LOOK_EVERY_MS = 5;
const WRITE_EVERY_MS = 1_000;
const LONGEST_SCHEDSTAT = 128;
const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "scavenge"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "mark-compact"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental marking"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak callbacks"],
]);

type Pause = { readonly from: number; readonly to: number };
/** What the main thread had and waited for. */
type Spent = Omit<Stretch, "wallMs" | "gcMs">;
type Late = { readonly from: number; readonly to: number; readonly spent: Spent };

if (isMainThread) watch();

function watch(): void {
  const begun = performance.now();
  const delay = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
  delay.enable();
  const pauses = new Map<string, { kind: string; count: number; totalMs: number; longestMs: number }>();
  const stalls: Stall[] = [];
  let recent: Pause[] = [];
  let late: Late[] = [];
  const ownMostMs: number[] = [];

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { startTime, duration } = entry;
      const kind = KINDS.get(kindOf("detail" in entry ? entry.detail : undefined)) ?? "other";
      const sum = pauses.get(kind) ?? { kind, count: 0, totalMs: 0, longestMs: 0 };
      pauses.set(kind, sum);
      sum.count += 1;
      sum.totalMs += duration;
      sum.longestMs = Math.max(sum.longestMs, duration);
      recent.push({ from: startTime, to: startTime + duration });
    }
  }).observe({ entryTypes: ["gc"] });

  const look = mainThread();
  let before = look();
  const looking = setInterval(() => {
    const now = look();
    if (now.at - before.at > 2 * LOOK_EVERY_MS) late.push({ from: before.at, to: now.at, spent: between(before, now) });
    before = now;
  }, LOOK_EVERY_MS);

  function judge(now: number): void {
    const due = late.filter(({ to }) => to < now - JUDGE_AFTER_MS);
    late = late.filter(({ to }) => to >= now - JUDGE_AFTER_MS);
    for (const { from, to, spent } of due) {
      const gcMs = recent.reduce((sum, pause) => sum + overlap(pause, from, to), 0);
      const stretch = { ...spent, wallMs: to - from, gcMs };
      const ownMs = ownTime(stretch);
      const atS = (from - begun) / 1_000;
      ownMostMs[Math.floor(atS)] = Math.max(ownMostMs[Math.floor(atS)] ?? 0, ownMs);
      if (ownMs > STALL_MS) stalls.push({ atS, ...stretch, ownMs });
    }
    recent = recent.filter(({ to }) => to >= now - 4 * JUDGE_AFTER_MS);
  }

  const writing = setInterval(() => {
    const now = performance.now();
    judge(now);
    const report: Report = {
      ...{ writtenAt: Date.now(), watchedS: (now - begun) / 1_000 },
      ...{
        delayP50Ms: delay.percentile(50) / 1e6,
        delayP99Ms: delay.percentile(99) / 1e6,
        delayMostMs: delay.max / 1e6,
      },
      ...{ ownMostMs: Array.from(ownMostMs, (ms) => ms ?? 0), stalls, pauses: [...pauses.values()] },
    };
    // By renaming: it is read at any time, and never half.
    writeFile(`${REPORT_FILE}.new`, JSON.stringify(report))
      .then(() => rename(`${REPORT_FILE}.new`, REPORT_FILE))
      .catch(() => {}); // its folder is gone: so is whoever reads it
  }, WRITE_EVERY_MS);
  looking.unref();
  writing.unref();
}

/** So far, and when. */
type Look = Spent & { readonly at: number };

function mainThread(): () => Look {
  const queue = runQueue();
  return () => {
    const { user, system } = process.threadCpuUsage();
    const { idle } = performance.eventLoopUtilization();
    return { at: performance.now(), cpuMs: (user + system) / 1_000, idleMs: idle, ...queue() };
  };
}

function between(before: Look, now: Look): Spent {
  return {
    cpuMs: now.cpuMs - before.cpuMs,
    idleMs: now.idleMs - before.idleMs,
    queuedMs: now.queuedMs - before.queuedMs,
    switches: now.switches - before.switches,
  };
}

/** As Linux says it: nanoseconds on a core, nanoseconds without one, and how often it got one. Elsewhere nothing is known, so nothing excused. */
function runQueue(): () => Pick<Stretch, "queuedMs" | "switches"> {
  const text = Buffer.alloc(LONGEST_SCHEDSTAT);
  let looks = 0;
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
    return () => {
      const [, queuedNs, switches] = text.toString("latin1", 0, readSync(file, text, 0, text.length, 0)).split(" ");
      return { queuedMs: Number(queuedNs) / 1e6, switches: Number(switches) };
    };
  } catch {
    return () => ({ queuedMs: 0, switches: (looks += 1) });
  }
}

function kindOf(detail: unknown): number {
  return typeof detail === "object" && detail !== null && "kind" in detail ? Number(detail.kind) : 0;
}

function overlap(pause: Pause, from: number, to: number): number {
  return Math.max(0, Math.min(pause.to, to) - Math.max(pause.from, from));
}
