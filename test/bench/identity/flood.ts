/** Whether those who show a good token feel what else is asked: valid checks at a fixed rate alone, and beside others at theirs, in turn. */
import { checks, open } from "../check/check-load.ts";
import { sampleCheck } from "../check/sample-check.ts";
import { median, shown } from "../figures.ts";
import type { Measured } from "../load/measured.ts";
import { allRight, prepareLoad, type Run, runLoad } from "../load/run-load.ts";
import type { Progress } from "../run-bench.ts";
import { badToken, distinct } from "./signed-tokens.ts";

type Beside = "known" | "bad";

type Terms = {
  readonly known: readonly Buffer[];
  readonly valid: ReturnType<typeof open>;
  /** Of those beside them, over the whole run. */
  readonly count: number;
  readonly besides: readonly Beside[];
  readonly rounds: number;
};

/** Cells: of the valid checks the slowest, and what the service spent on garbage meanwhile. */
export type Tail = { readonly p99: string; readonly p999: string; readonly gc: string };

type Felt = {
  nobody(): Tail;
  /** `ratio`: of the p99 to that of the same round with nobody beside them. */
  beside(what: Beside): Tail & { readonly ratio: number };
};

export async function measureFlood(server: Measured, terms: Terms, progress: Progress): Promise<Felt> {
  const { known, valid, count, besides, rounds } = terms;
  const flood = { ...open(count / (valid.seconds + valid.warmUpS), valid.seconds), warmUpS: valid.warmUpS };
  const runs: Record<"nobody" | Beside, Run[]> = { nobody: [], known: [], bad: [] };
  for (let round = 1; round <= rounds; round += 1) {
    runs.nobody.push(await runLoad(server, checks(known, valid)));
    for (const beside of besides) {
      const others = beside === "known" ? known : distinct(count, badToken).map((one) => sampleCheck("GET", one));
      const both = await Promise.all([
        prepareLoad(server, checks(known, valid)),
        prepareLoad(server, checks(others, flood, "any")),
      ]);
      const [run] = await Promise.all(both.map((one) => one.run()));
      if (run !== undefined) runs[beside].push(allRight(run));
    }
    progress(`round ${round} of ${rounds}: p99 with the flood ${shown(runs.bad.at(-1)?.p99Ms ?? 0)} ms`);
  }
  const middle = (of: readonly Run[], pick: (one: Run) => number) => shown(median(of.map(pick)));
  const tail = (of: readonly Run[]): Tail => ({
    p99: middle(of, ({ p99Ms }) => p99Ms),
    p999: middle(of, ({ p999Ms }) => p999Ms),
    gc: middle(of, ({ gcShare }) => gcShare * 100),
  });
  return {
    nobody: () => tail(runs.nobody),
    beside: (what) => ({
      ...tail(runs[what]),
      ratio: median(runs[what].map(({ p99Ms }, at) => p99Ms / (runs.nobody[at]?.p99Ms ?? Number.NaN))),
    }),
  };
}
