/** Several servers or loads measured in turn, round by round, so that a slow moment of the machine falls on all; ratios are made within a round. */
import { goal, median, shown } from "../figures.ts";
import type { Progress } from "../run-bench.ts";
import type { Measured } from "./measured.ts";
import { type Load, type Run, runLoad } from "./run-load.ts";

export type Lane = {
  readonly name: string;
  readonly server: Measured;
  /** Made anew each round. */
  readonly load: () => Load;
};

type Runs = {
  of(name: string): readonly Run[];
  median(name: string, pick: (one: Run) => number): number;
  /** Median over the rounds of what the lane has, divided by what the other one has in the same round. */
  ratio(name: string, to: string, pick: (one: Run) => number): number;
};

export async function interleave(lanes: readonly Lane[], rounds: number, progress: Progress): Promise<Runs> {
  const runs = new Map<string, Run[]>(lanes.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, server, load } of lanes) {
      const run = await runLoad(server, load());
      runs.get(name)?.push(run);
      const tail = `p99 ${shown(run.p99Ms)} ms, p99.9 ${shown(run.p999Ms)} ms`;
      progress(`round ${round} of ${rounds}, ${name}: ${shown(run.perS)} a second, ${tail}`);
    }
  }
  const of = (name: string) => runs.get(name) ?? [];
  return {
    of,
    median: (name, pick) => median(of(name).map(pick)),
    ratio: (name, to, pick) => median(of(name).map((one, at) => pick(one) / (of(to).map(pick)[at] ?? Number.NaN))),
  };
}

/** "at least" for a ratio, as it is written. */
export function atLeast(value: number, wanted: number): string {
  return goal(value, value >= wanted, `≥ ${wanted}`);
}

export function atMost(value: number, wanted: number): string {
  return goal(value, value <= wanted, `≤ ${wanted}`);
}
