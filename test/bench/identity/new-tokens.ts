/**
 * Checks whose tokens are all new beside checks whose token is known. All tokens are signed before the first round: an RSA signature costs the generator
 * so much that the loads of one round would lie a minute apart.
 */
import { checks, closed } from "../check/check-load.ts";
import { sampleCheck } from "../check/sample-check.ts";
import { shown, table } from "../figures.ts";
import { atLeast, interleave } from "../load/interleave.ts";
import type { Measured } from "../load/measured.ts";
import type { Run } from "../load/run-load.ts";
import type { Progress } from "../run-bench.ts";
import { ALGORITHMS, type Algorithm, distinct, tokenOf } from "./signed-tokens.ts";

const GOAL = 0.6;
/** Beyond what a round can ask: then each is asked once. */
const SPARE = 1.5;
const KNOWN = "known token";

type Terms = {
  /** The requests of the known one, and how many of them are answered in a second. */
  readonly known: readonly Buffer[];
  readonly knownPerS: number;
  /** What the signature alone costs. */
  readonly signatureUs: Readonly<Record<Algorithm, number>>;
  readonly rounds: number;
  readonly seconds: number;
};

/** A table in Markdown. */
export async function measureNewTokens(server: Measured, terms: Terms, progress: Progress): Promise<string> {
  const { known, knownPerS, signatureUs, rounds, seconds } = terms;
  const shape = closed(seconds);
  const lanes = ALGORITHMS.map((algorithm) => {
    const mostPerS = 1 / (1 / knownPerS + signatureUs[algorithm] / 1e6);
    const inRound = Math.ceil(mostPerS * (seconds + shape.warmUpS) * SPARE);
    const tokens = distinct(inRound * rounds, (jti) => tokenOf(algorithm, jti));
    progress(`${tokens.length} tokens signed by ${algorithm}`);
    const load = () =>
      checks(
        tokens.splice(0, inRound).map((one) => sampleCheck("GET", one)),
        shape,
      );
    return { algorithm, name: `new tokens, ${algorithm}`, server, load };
  });
  const runs = await interleave(
    [{ name: KNOWN, server, load: () => checks(known, shape) }, ...lanes],
    rounds,
    progress,
  );
  const each = (name: string, pick: (one: Run) => number) => shown(runs.median(name, pick));
  const cpuUs = (name: string) => runs.median(name, (one) => one.cpuUs);
  const row = (name: string, beside: string, shares: readonly string[]) => [
    ...[name, each(name, ({ perS }) => perS), beside, each(name, (one) => one.cpuUs), ...shares],
    ...[each(name, ({ p50Ms }) => p50Ms), each(name, ({ p99Ms }) => p99Ms), each(name, ({ gcShare }) => gcShare * 100)],
  ];
  const rows = lanes.map(({ name, algorithm }) => {
    const signature = signatureUs[algorithm];
    const ours = cpuUs(name) - cpuUs(KNOWN) - signature;
    const atBest = cpuUs(KNOWN) / (cpuUs(KNOWN) + signature);
    const share = runs.ratio(name, KNOWN, ({ perS }) => perS);
    return row(name, atLeast(share, GOAL), [shown(signature), shown(ours), shown(atBest)]);
  });
  return table(
    [
      ...["", "checks/s", "× known", "CPU µs", "its signature alone", "the rest of a miss", "× known at best"],
      ...["p50 ms", "p99 ms", "GC % of CPU"],
    ],
    [row(KNOWN, "1", ["", "", ""]), ...rows],
  );
}
