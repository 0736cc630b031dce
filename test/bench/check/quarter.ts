/** The latency of each subject at a quarter of its own saturation, all of them asked in turn, round by round, as at saturation. */
import { shown, table, withSpread } from "../figures.ts";
import { interleave } from "../load/interleave.ts";
import type { Measured } from "../load/measured.ts";
import type { Load, Run } from "../load/run-load.ts";
import type { Progress } from "../run-bench.ts";
import { open, type Shape } from "./check-load.ts";

/** How much longer each measurement is than at saturation: fewer calls come in a second, and a p99.9 needs some thousands. */
export const OPEN_TIMES = 2;

export type Subject = {
  readonly name: string;
  readonly server: Measured;
  readonly load: (shape: Shape) => Load;
};

type Terms = {
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  /** Calls a second that the subject of this name bears. */
  readonly saturationPerS: (name: string) => number;
  /** How the page names that rate. */
  readonly perS: "checks/s" | "a second";
};

/** Markdown: how it was measured, and a row for each subject. A rate is the same in all rounds, so what differs among them is the latency. */
export async function atQuarter(
  subjects: readonly Subject[],
  { rounds, seconds, saturationPerS, perS }: Terms,
  progress: Progress,
): Promise<string> {
  const lanes = subjects.map(({ name, server, load }) => ({
    ...{ name, server },
    load: () => load(open(saturationPerS(name) / 4, seconds)),
  }));
  const runs = await interleave(lanes, rounds, (line) => progress(`at a quarter, ${line}`));
  const rows = subjects.map(({ name }) => {
    const each = (pick: (one: Run) => number) => withSpread(runs.of(name).map(pick));
    return [
      ...[name, shown(runs.median(name, (one) => one.perS))],
      ...[each(({ p50Ms }) => p50Ms), each(({ p99Ms }) => p99Ms), each(({ p999Ms }) => p999Ms)],
      each(({ gcShare }) => gcShare * 100),
    ];
  });
  return [
    `At a quarter of its own saturation, arrivals at a fixed rate: medians of ${rounds} interleaved rounds of ${seconds} s, in brackets the least and the most of a round.`,
    table(["", perS, "p50 ms", "p99 ms", "p99.9 ms", "GC % of CPU"], rows),
  ].join("\n\n");
}
