/**
 * `npm run bench -- check`: what a whole check costs beside the floor. The floor (load/null-server.ts) and the decision service are up at the
 * same time and asked in turn. Then the latency of each at a quarter of its own saturation, in turn again, the cost of each step, and what a
 * million subjects with grants cost.
 */
import { token } from "../../integration/decision/lone-decision.ts";
import { shown, table } from "../figures.ts";
import { atLeast, interleave, type Lane } from "../load/interleave.ts";
import { GC_SHARE } from "../load/measured.ts";
import { type Run, runLoad } from "../load/run-load.ts";
import { startFloor } from "../load/start-floor.ts";
import type { Asked, Bench, Rig } from "../run-bench.ts";
import { checks, closed } from "./check-load.ts";
import { measuredDecision, startFullService } from "./full-service.ts";
import { inMemory } from "./in-memory.ts";
import { atQuarter, OPEN_TIMES, type Subject } from "./quarter.ts";
import { sampleCheck } from "./sample-check.ts";

const SHAPES = [
  { shape: "c1 m16", connections: 1, streams: 16 },
  { shape: "c2 m32", connections: 2, streams: 32 },
] as const;
const FLOOR = "null grpc-js";
/** The same, on what the service itself serves checks with. */
const TRANSPORT = "null on node:http2";
/** Of issue and release: the first is the least, the second what is aimed at. */
const RATIO_GOALS = [0.4, 0.5] as const;
const ROUNDS = 5;
const SECONDS = 2;

export const benchCheck: Bench = async (asked, rig) => ({
  name: "check",
  title: "A check",
  text: [await wholeChecks(asked, rig), await inMemory(asked, rig.progress)].join("\n\n"),
});

export async function wholeChecks(
  { rounds = ROUNDS, seconds = SECONDS }: Pick<Asked, "rounds" | "seconds">,
  { cores, progress }: Rig,
): Promise<string> {
  await using floor = await startFloor(cores);
  await using service = await startFullService();
  const full = await measuredDecision(service, cores);
  const [read, deletion] = [sampleCheck("GET", token()), sampleCheck("DELETE", token())];
  const subjects: readonly Subject[] = [
    { name: FLOOR, server: floor.grpc, load: (shape) => checks([deletion], shape) },
    { name: TRANSPORT, server: floor.http2, load: (shape) => checks([deletion], shape) },
    { name: "allowed by policy", server: full, load: (shape) => checks([read], shape) },
    { name: "allowed by a grant", server: full, load: (shape) => checks([deletion], shape) },
  ];
  for (const { server, load } of subjects) await runLoad(server, load(closed(seconds))); // compiled and warm
  const lanes: readonly Lane[] = SHAPES.flatMap(({ shape, ...streams }) =>
    subjects.map(({ name, server, load }) => ({
      name: `${name}, ${shape}`,
      server,
      load: () => load({ ...closed(seconds), ...streams }),
    })),
  );
  const runs = await interleave(lanes, rounds, progress);
  const saturation = SHAPES.flatMap(({ shape }) =>
    subjects.map(({ name }) => {
      const lane = `${name}, ${shape}`;
      const each = (pick: (one: Run) => number) => shown(runs.median(lane, pick));
      const ratio = runs.ratio(lane, `${FLOOR}, ${shape}`, ({ perS }) => perS);
      return [
        ...[shape, name, each(({ perS }) => perS)],
        name === FLOOR || name === TRANSPORT
          ? shown(ratio)
          : RATIO_GOALS.map((wanted) => atLeast(ratio, wanted)).join(", "),
        each(({ cpuUs }) => cpuUs),
        shown(runs.ratio(lane, `${FLOOR}, ${shape}`, ({ cpuUs }) => cpuUs)),
        ...[each(({ p50Ms }) => p50Ms), each(({ p99Ms }) => p99Ms), each(({ p999Ms }) => p999Ms)],
        ...[each(({ gcShare }) => gcShare * 100), each(({ generatorCpu }) => generatorCpu * 100)],
      ];
    }),
  );
  const saturationPerS = (name: string) => runs.median(`${name}, ${SHAPES[0].shape}`, ({ perS }) => perS);
  const terms = { rounds, seconds: seconds * OPEN_TIMES, saturationPerS, perS: "checks/s" } as const;
  const quarter = await atQuarter(subjects, terms, progress);
  return [
    `Medians of ${rounds} interleaved rounds of ${seconds} s; ratios within a round. c: connections, m: calls under way on each. Processor time is of the whole process, and less disturbed by whatever else runs on the machine than checks a second. ${GC_SHARE}`,
    table(
      [
        ...["load", "", "checks/s", "× null", "CPU µs", "CPU × null", "p50 ms", "p99 ms", "p99.9 ms"],
        ...["GC % of CPU", "generator's core %"],
      ],
      saturation,
    ),
    quarter,
  ].join("\n\n");
}
