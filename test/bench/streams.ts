/**
 * Compares the adapters of the event stream on real servers: `node test/bench/streams.ts [ROUNDS]` prints a table of medians. The rounds are
 * interleaved, so that a slow moment of the machine falls on all. One Kafka broker and one Postgres, both on this machine.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLog } from "../../platform/log/log.ts";
import { type StreamConfig, streamServer } from "../../platform/stream/open-stream.ts";
import { migratePostgresStream } from "../../platform/stream/postgres-topics.ts";
import { startKafka } from "../harness/kafka.ts";
import { createTestDatabase } from "../harness/postgres.ts";
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
const rounds = Number(process.argv[2] ?? 5);
await using kafka = await startKafka();
await using scratch = await createTestDatabase();
await migratePostgresStream(scratch.connectionString);

const brokers = [...kafka.brokers];
const configs: ReadonlyMap<string, StreamConfig> = new Map([
  ["kafkajs", { kafka: { brokers, tls: false, client: "kafkajs" } }],
  ["@platformatic/kafka", { kafka: { brokers, tls: false, client: "platformatic" } }],
  ["Postgres", { stream: { kind: "postgres", url: scratch.connectionString } }],
]);
const measured = new Map<string, Measured[]>([...configs.keys()].map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const [name, config] of configs) measured.get(name)?.push(await measure(config));
}

const names = [...configs.keys()];
process.stdout.write(`| median of ${rounds} rounds | ${names.join(" | ")} |\n|---|${"---|".repeat(names.length)}\n`);
for (const [key, label] of ROWS) {
  const cells = names.map((name) => shown(median((measured.get(name) ?? []).map((one) => one[key]))));
  process.stdout.write(`| ${label} | ${cells.join(" | ")} |\n`);
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
