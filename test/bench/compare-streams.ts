/**
 * Measures adapters of the event stream, each in a process of its own, and makes a table of medians. The rounds are interleaved, so that a
 * slow moment of the machine falls on all.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLog } from "../../platform/log/log.ts";
import { type StreamConfig, streamServer } from "../../platform/stream/open-stream.ts";
import type { Measured } from "./measured-stream.ts";

const ROWS: readonly (readonly [keyof Measured, string])[] = [
  ["publishP50Ms", "publish one, p50 (ms)"],
  ["publishP99Ms", "publish one, p99 (ms)"],
  ["callersPerS", "40 callers (records/s)"],
  ["batchesPerS", "batches of 500 (records/s)"],
  ["publishCpuUs", "CPU to publish (µs/record)"],
  ["readPerS", "read (records/s)"],
  ["readCpuUs", "CPU to read (µs/record)"],
  ["handledP50Ms", "publish to handler, p50 (ms)"],
  ["handledP99Ms", "publish to handler, p99 (ms)"],
  ["idleCpuPercent", "idle CPU (% of a core)"],
  ["rssMb", "memory of the process (MB)"],
];

const log = createLog({ name: "bench", level: "silent" });

/** Lines of a Markdown table, a column for each configuration. */
export async function compareStreams(
  configs: ReadonlyMap<string, StreamConfig>,
  rounds: number,
): Promise<readonly string[]> {
  const measured = new Map<string, Measured[]>([...configs.keys()].map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, config] of configs) measured.get(name)?.push(await measure(config));
  }
  const names = [...configs.keys()];
  const rows = ROWS.map(([key, label]) => {
    const cells = names.map((name) => shown(median((measured.get(name) ?? []).map((one) => one[key]))));
    return `| ${label} | ${cells.join(" | ")} |`;
  });
  const head = rounds === 1 ? "one round" : `median of ${rounds} rounds`;
  return [`| ${head} | ${names.join(" | ")} |`, `|---|${"---|".repeat(names.length)}`, ...rows];
}

async function measure(config: StreamConfig): Promise<Measured> {
  const topic = `bench-${randomUUID()}`;
  const server = await streamServer(config, { clientName: "bench", log });
  await server.createTopics([{ topic, partitions: 1, replicationFactor: 1, config: {} }]);
  const program = join(import.meta.dirname, "measured-stream.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(config), topic]);
  return JSON.parse(stdout);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(2);
}
