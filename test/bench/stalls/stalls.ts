/**
 * `npm run bench -- stalls [--minutes N]`: a decision service under a mixed load at a quarter of its saturation, told to reload every minute, and
 * whether its own code ever kept the event loop for longer than 25 ms outside garbage collection; with the pauses of that.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Compile } from "typebox/compile";
import type { Decision } from "../../harness/system/decision.ts";
import { makeVendorLikeMmdb } from "../../harness/vendor-like-mmdb.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { checks, closed, open } from "../check/check-load.ts";
import { startFullService } from "../check/full-service.ts";
import { goal, median, shown, table } from "../figures.ts";
import { measured } from "../load/measured.ts";
import { type Run, runFreely } from "../load/run-load.ts";
import type { Bench } from "../run-bench.ts";
import { mixedChecks } from "./mixed-load.ts";
import { JUDGE_AFTER_MS, REPORT_FILE, type Report, ReportSchema, type Stall, STALL_MS } from "./report.ts";

const MINUTES = 10;
const MINUTE_S = 60;
const SATURATE_S = 3;
const SHOWN_STALLS = 20;
const WATCH = new URL("./watch.ts", import.meta.url).href;
const report = Compile(ReportSchema);

export const benchStalls: Bench = async ({ minutes = MINUTES, seconds = SATURATE_S }, { cores, progress }) => {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-stalls-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const countryDatabase = join(folder, "country.mmdb");
  await writeFile(countryDatabase, makeVendorLikeMmdb("DE"));
  const further = { context: { countryDatabase } };
  const service = owned.use(await startFullService({ preload: [WATCH], onBoth: cores.onBoth, further }));
  const server = measured([service.port], [service.opsUrl]);
  const load = (shape: Parameters<typeof checks>[1]) => runFreely(server, checks(mixedChecks(), shape, "any"));
  await load(closed(seconds)); // compiled and warm
  const ratePerS = (await load(closed(seconds))).perS / 4;
  const before = await reportOf(service);

  const stretchS = Math.min(minutes * MINUTE_S, MINUTE_S);
  const stretches = Math.max(1, Math.round((minutes * MINUTE_S) / stretchS));
  const runs: Run[] = [];
  const reloads: number[] = [];
  for (let stretch = 1; stretch <= stretches; stretch += 1) {
    const running = load({ ...open(ratePerS, stretchS), warmUpS: 0 });
    await sleep((stretchS * 1_000) / 2);
    service.reload();
    reloads.push(Date.now());
    runs.push(await running);
    const seen = await reportOf(service);
    progress(
      `${stretch} of ${stretches}: ${since(before, seen).length} stalls, longest ${shown(longestSince(before, seen))} ms`,
    );
  }
  const after = await reportOf(service);
  const stalls = since(before, after);
  const each = (pick: (one: Run) => number) => shown(median(runs.map(pick)));
  return {
    name: "stalls",
    title: "Stalls of the event loop",
    text: [
      `${shown(minutes)} minutes at ${shown(ratePerS)} checks a second, a quarter of its own saturation under the same mixture: allowed, opened by a grant, denied, needing approval, with new tokens and bad ones, with bodies of 32 KB; and a reload of everything each minute, the country database among it. p50 ${each(({ p50Ms }) => p50Ms)} ms, p99 ${each(({ p99Ms }) => p99Ms)} ms, GC ${each(({ gcShare }) => gcShare * 100)} % of its processor time. The service may use both cores, one of which the load generator and the database use too.`,
      `Stalls of our own code longer than ${STALL_MS} ms, calls that block included, outside garbage collection: ${goal(stalls.length, stalls.length === 0, "0")}. The longest: ${shown(longestSince(before, after))} ms. Not ours are waiting for events, pauses for garbage, and time that the machine gave to others. Delays of the loop since its start, whatever the cause: p50 ${shown(after.delayP50Ms)}, p99 ${shown(after.delayP99Ms)}, most ${shown(after.delayMostMs)} ms.`,
      ...(stalls.length === 0 ? [] : [stallTable(stalls, after, reloads)]),
      pauseTable(after),
    ].join("\n\n"),
  };
};

/** When the load was measured, and not only to warm up. */
function since({ watchedS }: Report, { stalls }: Report): readonly Stall[] {
  return stalls.filter(({ atS }) => atS >= watchedS);
}

function longestSince({ watchedS }: Report, { ownMostMs }: Report): number {
  return Math.max(0, ...ownMostMs.slice(Math.ceil(watchedS)));
}

/** With how long after a reload each was, which is what stalls are most likely to come from. */
function stallTable(stalls: readonly Stall[], { writtenAt, watchedS }: Report, reloads: readonly number[]): string {
  const rows = stalls.slice(0, SHOWN_STALLS).map(({ atS, ownMs, wallMs, cpuMs, gcMs, idleMs, queuedMs }) => {
    const at = writtenAt - (watchedS - atS) * 1_000;
    const reloadedAt = reloads.findLast((one) => one <= at) ?? Number.NaN;
    return [atS, (at - reloadedAt) / 1_000, ownMs, wallMs, cpuMs, gcMs, idleMs, queuedMs].map(shown);
  });
  const times = ["own ms", "clock ms", "CPU ms of the thread", "GC ms", "idle ms", "ms without a core"];
  return table(["at s", "s after a reload", ...times], rows);
}

function pauseTable({ pauses, watchedS }: Report): string {
  const rows = pauses.map(({ kind, count, totalMs, longestMs }) => [
    ...[kind, count.toLocaleString("en"), shown(totalMs / count), shown(longestMs), shown(totalMs / 10 / watchedS)],
  ]);
  return table(["garbage collection", "pauses", "mean ms", "longest ms", "% of the time"], rows);
}

/** In which all up to now is judged. */
async function reportOf(service: Decision): Promise<Report> {
  const due = Date.now() + JUDGE_AFTER_MS;
  return waitUntil("the watch's report", 10_000, async () => {
    const text = await readFile(join(dirname(service.configPath), REPORT_FILE), "utf8").catch(() => "");
    const read = text === "" ? undefined : report.Parse(JSON.parse(text));
    return read !== undefined && read.writtenAt > due && read;
  });
}
