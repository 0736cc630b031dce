/**
 * `npm run bench -- check [ROUNDS]`: what a whole check costs beside the floor. The floor (null-server.ts) and the decision service are up
 * at the same time and asked in turn, so that a slow moment of the machine falls on both; ratios are made within a round, and what is
 * reported is their median. Then the latency at a quarter of the service's own saturation, the cost of each step, and what a million
 * subjects with grants cost.
 */
import { join } from "node:path";
import { Compile } from "typebox/compile";
import { token } from "../../integration/decision/lone-decision.ts";
import { startChild } from "../child.ts";
import type { Cores } from "../cores.ts";
import { goal, median, shown, table } from "../figures.ts";
import type { Section } from "../page.ts";
import { inMemory } from "./in-memory.ts";
import { type Loaded, LoadedSchema, type LoadSpec } from "./load-spec.ts";
import { sampleCheck } from "./sample-check.ts";
import { type Measured, startServers } from "./servers.ts";

const SHAPES = [
  { name: "c1 m16", connections: 1, streams: 16 },
  { name: "c2 m32", connections: 2, streams: 32 },
] as const;
const RATIO_GOAL = 0.4;
const CLOSED = { warmUpS: 0.5, seconds: 3, ratePerS: null };
const OPEN_S = 10;
const LOAD = join(import.meta.dirname, "load.ts");
const loaded = Compile(LoadedSchema);

type Run = Loaded & { readonly cpuUs: number; readonly gcShare: number };

async function run(server: Measured, spec: Omit<LoadSpec, "port">): Promise<Run> {
  const before = await server.work();
  const result = loaded.Parse(await startChild(LOAD, { ...spec, port: server.port }).answer);
  const after = await server.work();
  if (result.faults > 0) throw new Error(`${result.faults} answers were no allow`);
  const cpuS = after.cpuS - before.cpuS;
  const seconds = spec.warmUpS + spec.seconds;
  return { ...result, cpuUs: (cpuS * 1e6) / (result.perS * seconds), gcShare: (after.gcS - before.gcS) / cpuS };
}

export async function benchCheck(rounds: number, cores: Cores): Promise<Section> {
  await using servers = await startServers(cores);
  const subjects = [
    { name: "null grpc-js", server: servers.floor, request: sampleCheck("DELETE", token()).toString("base64") },
    { name: "allowed by policy", server: servers.full, request: sampleCheck("GET", token()).toString("base64") },
    { name: "allowed by a grant", server: servers.full, request: sampleCheck("DELETE", token()).toString("base64") },
  ];
  const runs = new Map<string, Run[]>();
  const of = (name: string, shape: string) => runs.get(`${name} ${shape}`) ?? [];
  for (const { server, request } of subjects) await run(server, { ...SHAPES[1], ...CLOSED, request }); // compiled and warm
  for (let round = 0; round < rounds; round += 1) {
    for (const { name: shape, ...load } of SHAPES) {
      for (const { name, server, request } of subjects) {
        runs.set(`${name} ${shape}`, [...of(name, shape), await run(server, { ...load, ...CLOSED, request })]);
      }
    }
  }
  const ratio = (name: string, shape: string) =>
    median(of(name, shape).map(({ perS }, at) => perS / (of("null grpc-js", shape)[at]?.perS ?? Number.NaN)));
  const saturation = SHAPES.flatMap(({ name: shape }) =>
    subjects.map(({ name }) => {
      const each = (pick: (one: Run) => number) => shown(median(of(name, shape).map(pick)));
      const against = ratio(name, shape);
      const beside = name === "null grpc-js" ? "1" : goal(against, against >= RATIO_GOAL, `≥ ${RATIO_GOAL}`);
      return [
        ...[shape, name, each(({ perS }) => perS), beside, each(({ cpuUs }) => cpuUs)],
        ...[each(({ p50Ms }) => p50Ms), each(({ p99Ms }) => p99Ms)],
        ...[each(({ gcShare }) => gcShare * 100), each(({ generatorCpu }) => generatorCpu * 100)],
      ];
    }),
  );
  const quarter: string[][] = [];
  for (const { name, server, request } of subjects) {
    const ratePerS = median(of(name, "c1 m16").map(({ perS }) => perS)) / 4;
    const open = await run(server, { connections: 1, streams: 1, warmUpS: 1, seconds: OPEN_S, ratePerS, request });
    quarter.push([
      name,
      shown(open.perS),
      shown(open.p50Ms),
      shown(open.p99Ms),
      shown(open.p999Ms),
      shown(open.gcShare * 100),
    ]);
  }
  const memory = await inMemory(rounds);
  return {
    name: "check",
    title: "A check",
    text: [
      `Medians of ${rounds} interleaved rounds of ${CLOSED.seconds} s; ratios within a round. c: connections, m: calls under way on each.`,
      table(
        ["load", "", "checks/s", "× null", "CPU µs", "p50 ms", "p99 ms", "GC % of CPU", "generator's core %"],
        saturation,
      ),
      `At a quarter of its own saturation, arrivals at a fixed rate for ${OPEN_S} s:`,
      table(["", "checks/s", "p50 ms", "p99 ms", "p99.9 ms", "GC % of CPU"], quarter),
      memory,
    ].join("\n\n"),
  };
}
