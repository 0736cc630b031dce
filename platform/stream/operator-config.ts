/**
 * How a tool of an operator reaches the stream, said in the words of the services: section `kafka` of a YAML file, KAFKA_BROKERS and the variables
 * <PREFIX>KAFKA_…, or section `stream` and <PREFIX>STREAM_… for topics in Postgres. Nothing else may stand in that file.
 */
import { Type } from "typebox";
import { describeFaults, loadConfig } from "../config/load.ts";
import { KafkaSchema } from "./kafka-config.ts";
import { type StreamConfig, streamFaults } from "./open-stream.ts";
import { PostgresStreamSchema } from "./postgres-config.ts";

/** `brokers` counts before KAFKA_BROKERS and the file. Rejects, with a line for each fault, when it cannot be used. */
export async function operatorStream(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly prefix: string;
  readonly file?: string | undefined;
  readonly brokers?: string | undefined;
}): Promise<StreamConfig> {
  const { env, prefix, file, brokers } = options;
  const isOurs = (name: string) =>
    name === "KAFKA_BROKERS" || [`${prefix}KAFKA_`, `${prefix}STREAM_`].some((start) => name.startsWith(start));
  const loaded = await loadConfig({
    schema: Type.Object(
      { kafka: Type.Optional(KafkaSchema), stream: Type.Optional(PostgresStreamSchema) },
      { additionalProperties: false },
    ),
    env: {
      ...Object.fromEntries(Object.entries(env).filter(([name]) => isOurs(name))),
      ...(brokers === undefined ? {} : { KAFKA_BROKERS: brokers }),
    },
    ...(file === undefined ? {} : { file }),
    prefix,
    rules: [streamFaults],
  });
  if (loaded.kind === "invalid") throw new Error(describeFaults(loaded.faults));
  return loaded.config;
}
