/**
 * Compares the adapters of the event stream on real servers: `sh scripts/on-node-24.sh test/bench/streams.ts [ROUNDS]` prints a table of medians. One Kafka
 * broker and one Postgres, both on this machine.
 */
import { migratePostgresStream } from "../../platform/stream/postgres-topics.ts";
import { startKafka } from "../harness/kafka.ts";
import { createTestDatabase } from "../harness/postgres.ts";
import { compareStreams } from "./compare-streams.ts";

const rounds = Number(process.argv[2] ?? 5);
await using kafka = await startKafka({ isMeasured: true });
await using scratch = await createTestDatabase();
await migratePostgresStream(scratch.connectionString);

const brokers = [...kafka.brokers];
const table = await compareStreams(
  new Map([
    ["kafkajs", { kafka: { brokers, tls: false, client: "kafkajs" } }],
    ["@platformatic/kafka", { kafka: { brokers, tls: false, client: "platformatic" } }],
    ["Postgres", { stream: { kind: "postgres", url: scratch.connectionString } }],
  ]),
  rounds,
);
process.stdout.write(`${table.join("\n")}\n`);
