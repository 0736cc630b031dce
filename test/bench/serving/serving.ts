/**
 * `npm run bench -- serving`: what a second worker brings, what the decision log costs, and the latency at a quarter of its own saturation of a
 * service that has two cores, as it should have in production.
 */
import { token } from "../../integration/decision/lone-decision.ts";
import { checks, closed, open } from "../check/check-load.ts";
import { measuredDecision, startFullService } from "../check/full-service.ts";
import { sampleCheck } from "../check/sample-check.ts";
import { median, shown, table } from "../figures.ts";
import { atLeast, atMost, interleave, type Lane } from "../load/interleave.ts";
import { GC_SHARE, measured } from "../load/measured.ts";
import { type Run, runLoad } from "../load/run-load.ts";
import { type Bench, isAsked, type Rig } from "../run-bench.ts";
import { startNulls, startWorkers } from "./both-cores.ts";

const ROUNDS = 5;
const SECONDS = 3;
const OPEN_SECONDS = 3;
const WORKERS_GOAL = 1.3;
const LOG_GOAL = 0.92;
const TAIL_GOAL = 10;
const WITHOUT_LOG = new URL("./without-decision-log.ts", import.meta.url).href;
const FROM_SOURCES = new URL("./from-sources.ts", import.meta.url).href;

type Amounts = { readonly rounds: number; readonly seconds: number };

const PARTS = [
  ["workers", workers],
  ["decision-log", decisionLog],
  ["tail", tail],
] as const;
export const SERVING_PARTS = PARTS.map(([name]) => name);

export const benchServing: Bench = async (asked, rig) => {
  const { rounds = ROUNDS, seconds = SECONDS } = asked;
  const texts: string[] = [];
  for (const [name, measure] of PARTS) if (isAsked(asked, name)) texts.push(await measure({ rounds, seconds }, rig));
  return {
    name: "serving",
    title: "Workers, decision log, tail",
    text: [
      `Medians of ${rounds} interleaved rounds of ${seconds} s; ratios within a round. Every check is allowed by the policy.`,
      ...texts,
    ].join("\n\n"),
  };
};

const request = () => [sampleCheck("GET", token())];
const each = (runs: readonly Run[], pick: (one: Run) => number) => shown(median(runs.map(pick)));

async function workers({ rounds, seconds }: Amounts, { cores, progress }: Rig): Promise<string> {
  await using one = await startWorkers(1, cores);
  await using two = await startWorkers(2, cores);
  // As many connections for one as for two: Envoy has several threads, each with its own.
  const load = () => checks(request(), { ...closed(seconds), connections: 2, streams: 16 });
  await using oneNull = await startNulls(1, cores);
  await using twoNull = await startNulls(2, cores);
  const lanes: readonly Lane[] = [
    { name: "one worker", server: one.server, load },
    { name: "two workers", server: two.server, load },
    { name: "one null server", server: oneNull.server, load },
    { name: "two null servers", server: twoNull.server, load },
  ];
  const runs = await cores.onBoth(async () => {
    for (const { server } of lanes) await runLoad(server, load()); // compiled and warm
    return interleave(lanes, rounds, progress);
  });
  const ratio = runs.ratio("two workers", "one worker", ({ perS }) => perS);
  const nullRatio = runs.ratio("two null servers", "one null server", ({ perS }) => perS);
  const row = (name: string, beside: string) => [
    ...[name, each(runs.of(name), ({ perS }) => perS), beside, each(runs.of(name), ({ cpuUs }) => cpuUs)],
    ...[each(runs.of(name), ({ p99Ms }) => p99Ms), each(runs.of(name), ({ generatorCpu }) => generatorCpu * 100)],
  ];
  return [
    "Workers on ports of their own, two connections with 16 calls each; **the load generator shares the same two cores with the workers, and the database the second of them**, so what these need is not the workers'. The null servers, which need no database, say what the machine gives:",
    table(
      ["", "checks/s", "× one", "CPU µs", "p99 ms", "generator's core %"],
      [
        row("one worker", "1"),
        row("two workers", atLeast(ratio, WORKERS_GOAL)),
        row("one null server", "1"),
        row("two null servers", shown(nullRatio)),
      ],
    ),
  ].join("\n\n");
}

async function decisionLog({ rounds, seconds }: Amounts, { cores, progress }: Rig): Promise<string> {
  await using withLog = await startFullService({ preload: [FROM_SOURCES] });
  await using withoutLog = await startFullService({ preload: [WITHOUT_LOG] });
  const load = () => checks(request(), closed(seconds));
  const lanes: readonly Lane[] = [
    { name: "log off", server: await measuredDecision(withoutLog, cores), load },
    { name: "log on", server: await measuredDecision(withLog, cores), load },
  ];
  for (const { server } of lanes) await runLoad(server, load()); // compiled and warm
  const runs = await interleave(lanes, rounds, progress);
  const ratio = runs.ratio("log on", "log off", ({ perS }) => perS);
  const cpu = runs.ratio("log on", "log off", ({ cpuUs }) => cpuUs);
  const row = (name: string, beside: string, cpuBeside: string) => [
    ...[name, each(runs.of(name), ({ perS }) => perS), beside],
    ...[each(runs.of(name), ({ cpuUs }) => cpuUs), cpuBeside, each(runs.of(name), ({ p99Ms }) => p99Ms)],
    each(runs.of(name), ({ generatorCpu }) => generatorCpu * 100),
  ];
  return [
    "The decision log, written, hashed, signed and shipped to a stream in Postgres, against the same service with the log taken out, both from their sources; **the database shares a core with the load generator**, so what it needs for the log is taken from the checks asked for:",
    table(
      ["", "checks/s", "× off", "CPU µs", "CPU × off", "p99 ms", "generator's core %"],
      [row("log off", "1", "1"), row("log on", atLeast(ratio, LOG_GOAL), shown(cpu))],
    ),
  ].join("\n\n");
}

async function tail({ rounds, seconds }: Amounts, { cores, progress }: Rig): Promise<string> {
  await using service = await startFullService({ onBoth: cores.onBoth });
  await using floor = await startNulls(1, cores);
  const server = measured([service.port], [service.opsUrl]);
  for (const one of [server, floor.server]) await runLoad(one, checks(request(), closed(seconds))); // compiled and warm
  const ratePerS = (await runLoad(server, checks(request(), closed(seconds)))).perS / 4;
  const load = () => checks(request(), open(ratePerS, seconds * OPEN_SECONDS));
  const lanes = [
    { name: "decision service", server, load },
    { name: "null on node:http2", server: floor.server, load },
  ];
  const runs = await interleave(lanes, rounds, progress);
  const row = (name: string, ratio: string) => {
    const figures = [(run: Run) => run.p50Ms, (run: Run) => run.p99Ms, (run: Run) => run.p999Ms];
    const late = [(run: Run) => run.lateP50Ms, (run: Run) => run.lateP99Ms, (run: Run) => run.gcShare * 100];
    return [name, ratio, ...[...figures, ...late].map((pick) => each(runs.of(name), pick))];
  };
  const ratioOf = (name: string) => runs.median(name, ({ p99Ms, p50Ms }) => p99Ms / p50Ms);
  return [
    `At ${shown(ratePerS)} checks a second, a quarter of its own saturation, for ${seconds * OPEN_SECONDS} s, and a null server at the same rate; each may use both cores, one of which the load generator and the database use too. Latencies count from when a call was due; late is how long after that the generator sent it. ${GC_SHARE}`,
    table(
      ["", "p99 ÷ p50", "p50 ms", "p99 ms", "p99.9 ms", "late p50 ms", "late p99 ms", "GC % of CPU"],
      [
        row("decision service", atMost(ratioOf("decision service"), TAIL_GOAL)),
        row("null on node:http2", shown(ratioOf("null on node:http2"))),
      ],
    ),
  ].join("\n\n");
}
