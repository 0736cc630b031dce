/** A run of the load generator against one server: what the callers saw, and what the server needed for it. */
import { join } from "node:path";
import { Compile } from "typebox/compile";
import { startChild } from "../child.ts";
import { type Loaded, LoadedSchema, type LoadSpec } from "./load-spec.ts";
import type { Measured } from "./measured.ts";

const LOAD = join(import.meta.dirname, "load.ts");
/** NB: its pauses would be found as the server's tail: of the smallest young generation, and by no thread that competes for the one core. */
const SHORT_PAUSES = ["--max-semi-space-size=1", "--single-threaded-gc"];
const loaded = Compile(LoadedSchema);

export type Load = Omit<LoadSpec, "ports">;

export type Run = Loaded & {
  /** Processor time of the server for one call, all threads. */
  readonly cpuUs: number;
  /** How much of it its main threads were stopped for collecting garbage. */
  readonly gcShare: number;
};

/** Ready to begin. */
type Prepared = {
  /** Whatever the answers are. Once. */
  run(): Promise<Run>;
};

/** Its requests are made and its connections are opened: what may take a second of the core that it shares with other loads. */
export async function prepareLoad(server: Measured, load: Load): Promise<Prepared> {
  const child = startChild(LOAD, { ...load, ports: server.ports }, SHORT_PAUSES);
  await child.ready;
  return {
    async run() {
      const before = await server.work();
      child.begin();
      const result = loaded.Parse(await child.answer);
      const after = await server.work();
      const cpuS = after.cpuS - before.cpuS;
      return { ...result, cpuUs: (cpuS * 1e6) / result.ended, gcShare: (after.gcS - before.gcS) / cpuS };
    },
  };
}

/** Whatever the answers were. */
export async function runFreely(server: Measured, load: Load): Promise<Run> {
  const prepared = await prepareLoad(server, load);
  return prepared.run();
}

/** Rejects when an answer was not the right one. */
export async function runLoad(server: Measured, load: Load): Promise<Run> {
  return allRight(await runFreely(server, load));
}

/** @throws when an answer was not the right one. */
export function allRight(run: Run): Run {
  if (run.faults > 0) throw new Error(`${run.faults} of ${run.ended} calls were not answered as they should be`);
  return run;
}
