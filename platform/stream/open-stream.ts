/**
 * Selects a service's event stream: Kafka (section `kafka`) or Postgres (section `stream`), exactly one of them. A service takes the two sections
 * into its schema, adds `streamFaults` to its rules, and asks here for everything that depends on the choice.
 */
import { databaseProblem } from "../config/addresses.ts";
import { type ConfigFault, unsafe } from "../config/fault.ts";
import type { Log } from "../log/log.ts";
import { createDatabase } from "../postgres/pool.ts";
import type { StreamDeps } from "./assemble.ts";
import type { KafkaStreamOptions } from "./kafka.ts";
import { exchanged, KAFKA_RELOADED, type KafkaConfig, kafkaFaults, kafkaSettings } from "./kafka-config.ts";
import type { EventStream } from "./port.ts";
import { createPostgresStream } from "./postgres.ts";
import type { PostgresStreamConfig } from "./postgres-config.ts";
import { createPostgresTopics, migratePostgresStream, verifyPostgresTopics } from "./postgres-topics.ts";
import type { TopicFault, TopicSpec } from "./topic-spec.ts";

/** The two sections, each of them optional in a service's schema. */
export interface StreamConfig {
  readonly kafka?: KafkaConfig;
  readonly stream?: PostgresStreamConfig;
}

export interface StreamServer {
  /** Which one, for the log; no secret in it. */
  readonly name: string;
  /** Connecting goes on in the background and is retried for ever. */
  open(deps: Omit<StreamDeps, "log">): EventStream;
  /** Dotted paths of the configuration that `reload` takes. */
  readonly reloadable: readonly string[];
  /** Takes certificates and credentials anew, for connections from now on. Rejects when they cannot be used; nothing has changed then. */
  reload(config: StreamConfig): Promise<void>;
  /** Empty when all topics are as they have to be. Rejects when the server cannot be asked. */
  verifyTopics(specs: readonly TopicSpec[]): Promise<readonly TopicFault[]>;
  /** For the operator: creates the topics that are missing (in Postgres the schema, too) and says which they were. */
  createTopics(specs: readonly TopicSpec[]): Promise<readonly string[]>;
}

export function streamFaults({ kafka, stream }: StreamConfig): readonly ConfigFault[] {
  if (kafka === undefined && stream === undefined) {
    const problem = "is missing; set it, or section stream for a stream in Postgres";
    return [{ key: "kafka.brokers", variable: "KAFKA_BROKERS", problem }];
  }
  if (kafka !== undefined && stream !== undefined) {
    return [{ key: "stream", variable: undefined, problem: "and kafka are both set; set one" }];
  }
  if (kafka !== undefined) return kafkaFaults(kafka, "kafka");
  const problem = stream === undefined ? undefined : databaseProblem(stream.url);
  return problem === undefined ? [] : [unsafe("stream.url", problem)];
}

/** Reads the certificates that the configuration names; connects to nothing. `clientName` shows at the server. */
export async function streamServer(
  { kafka, stream }: StreamConfig,
  { clientName, log }: { readonly clientName: string; readonly log: Log },
): Promise<StreamServer> {
  if (stream !== undefined) return postgresServer(stream, clientName, log);
  if (kafka === undefined) throw new Error("neither kafka nor stream is configured");
  let connection = await kafkaSettings(kafka, clientName);
  const create = await createStreamOf(kafka.client);
  const { createTopics, verifyTopics } = await import("./kafka-topics.ts");
  return {
    name: `kafka ${kafka.brokers.join(",")}`,
    open: (deps) => create({ log, ...deps }, { connection: () => connection }),
    reloadable: KAFKA_RELOADED,
    async reload({ kafka: again }) {
      if (again !== undefined) connection = exchanged(connection, await kafkaSettings(again, clientName));
    },
    verifyTopics: (specs) => verifyTopics({ log }, connection, specs),
    createTopics: (specs) => createTopics({ log }, connection, specs),
  };
}

/** A client of Kafka is loaded where one is configured: @platformatic/kafka takes a third of a service's start, and 15 MB. ADR 7 has the default. */
async function createStreamOf(
  client: KafkaConfig["client"],
): Promise<(deps: StreamDeps, options: KafkaStreamOptions) => EventStream> {
  if (client === "kafkajs") return (await import("./kafka.ts")).createKafkaStream;
  return (await import("./platformatic.ts")).createPlatformaticStream;
}

function postgresServer({ url }: PostgresStreamConfig, applicationName: string, log: Log): StreamServer {
  const options = { connection: url, applicationName };
  return {
    name: "postgres",
    reloadable: [],
    reload: () => Promise.resolve(),
    open: (deps) => createPostgresStream({ log, ...deps }, options),
    async verifyTopics(specs) {
      await using database = createDatabase({ log }, options);
      return await verifyPostgresTopics(database, specs);
    },
    async createTopics(specs) {
      await migratePostgresStream(url);
      await using database = createDatabase({ log }, options);
      return await createPostgresTopics(database, specs);
    },
  };
}
