/**
 * `npm run bench -- authzen`: an AuthZEN evaluation over HTTP beside a route of the same framework that looks at nothing, and the same question
 * over our gRPC API beside a gRPC server that looks at nothing; all up at once and asked in turn, saturated and then at a quarter of that.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DecisionServiceService, EvaluateRequest, Mode } from "../../../proto/gen/countersign/v1/decision.ts";
import { closed } from "../check/check-load.ts";
import { atQuarter, OPEN_TIMES, type Subject } from "../check/quarter.ts";
import { shown, table } from "../figures.ts";
import { atLeast, interleave } from "../load/interleave.ts";
import { GC_SHARE } from "../load/measured.ts";
import { type Load, type Run, runLoad } from "../load/run-load.ts";
import { startFloor } from "../load/start-floor.ts";
import type { Bench } from "../run-bench.ts";
import { startAuthzen } from "./start-authzen.ts";

const ROUNDS = 5;
const SECONDS = 3;
const RATIO_GOAL = 0.5;
const FLOORS: ReadonlyMap<string, string> = new Map([
  ["AuthZEN over HTTP", "null fastify"],
  ["Evaluate over gRPC", "null grpc-js"],
]);
/** OUTCOME_ALLOW in the first field. */
const ALLOWED = "0803";

const QUESTION = {
  subject: { type: "user", id: "dana", properties: { groups: ["engineers"], email: "dana@example.com" } },
  action: { name: "read" },
  resource: { type: "file", id: "reports/2026/q3.pdf", properties: { owner: "dana", classification: "internal" } },
  context: { reason: "quarterly review", client: "console" },
};

export const benchAuthzen: Bench = async ({ rounds = ROUNDS, seconds = SECONDS }, { cores, progress }) => {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-authzen-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const floor = owned.use(await startFloor(cores));
  const service = owned.use(await startAuthzen(folder, cores));
  const headers = { authorization: `Bearer ${service.clientToken}` };
  const overHttp: Pick<Load, "call" | "requests"> = {
    call: {
      ...{ kind: "http", path: "/access/v1/evaluation", expected: '"decision":true' },
      headers: { ...headers, "content-type": "application/json" },
    },
    requests: [Buffer.from(JSON.stringify(QUESTION)).toString("base64")],
  };
  const evaluate = { ...QUESTION, action: { ...QUESTION.action, properties: undefined }, mode: Mode.MODE_ASK };
  const overGrpc: Pick<Load, "call" | "requests"> = {
    call: { kind: "grpc", path: DecisionServiceService.evaluate.path, headers, expected: ALLOWED },
    requests: [Buffer.from(EvaluateRequest.encode(evaluate).finish()).toString("base64")],
  };
  const subjects: readonly Subject[] = [
    { name: "null fastify", server: floor.http, load: (shape) => ({ ...shape, ...overHttp }) },
    { name: "AuthZEN over HTTP", server: service.http, load: (shape) => ({ ...shape, ...overHttp }) },
    { name: "null grpc-js", server: floor.grpc, load: (shape) => ({ ...shape, ...overGrpc }) },
    { name: "Evaluate over gRPC", server: service.grpc, load: (shape) => ({ ...shape, ...overGrpc }) },
  ];
  for (const { server, load } of subjects) await runLoad(server, load(closed(seconds))); // compiled and warm
  const lanes = subjects.map(({ load, ...subject }) => ({ ...subject, load: () => load(closed(seconds)) }));
  const runs = await interleave(lanes, rounds, progress);
  const rows = subjects.map(({ name }) => {
    const each = (pick: (one: Run) => number) => shown(runs.median(name, pick));
    const beside = FLOORS.get(name);
    const ratio = beside === undefined ? Number.NaN : runs.ratio(name, beside, ({ perS }) => perS);
    const cpu = beside === undefined ? Number.NaN : runs.ratio(name, beside, ({ cpuUs }) => cpuUs);
    const withGoal = name === "AuthZEN over HTTP" ? atLeast(ratio, RATIO_GOAL) : shown(ratio);
    return [
      ...[name, each(({ perS }) => perS), beside === undefined ? "1" : withGoal],
      ...[each(({ cpuUs }) => cpuUs), beside === undefined ? "1" : shown(cpu)],
      ...[each(({ p50Ms }) => p50Ms), each(({ p99Ms }) => p99Ms), each(({ p999Ms }) => p999Ms)],
      ...[each(({ gcShare }) => gcShare * 100), each(({ generatorCpu }) => generatorCpu * 100)],
    ];
  });
  const saturationPerS = (name: string) => runs.median(name, ({ perS }) => perS);
  const terms = { rounds, seconds: seconds * OPEN_TIMES, saturationPerS, perS: "a second" } as const;
  const quarter = await atQuarter(subjects, terms, progress);
  return {
    name: "authzen",
    title: "An AuthZEN evaluation",
    text: [
      `Medians of ${rounds} interleaved rounds of ${seconds} s, 16 calls under way; ratios within a round, against the null server of the same transport. A client with a service token asks about an account that it may state, and the policy allows it; decisions are shipped to a stream in Postgres. ${GC_SHARE}`,
      table(
        [
          ...["", "a second", "× null", "CPU µs", "CPU × null", "p50 ms", "p99 ms", "p99.9 ms"],
          ...["GC % of CPU", "generator's core %"],
        ],
        rows,
      ),
      quarter,
    ].join("\n\n"),
  };
};
