/**
 * The event stream on Apache Kafka, with kafkajs. No consumer group is used (kafka-connection.ts says why), so a principal needs only
 * Describe, Read and Write on its topics.
 */
import { assembleStream, type ReadingOptions, type StreamDeps } from "./assemble.ts";
import { openKafkaConnection } from "./kafka-connection.ts";
import { openKafkaProducer } from "./kafka-producer.ts";
import { type SettingsNow, settingsNow } from "./kafka-config.ts";
import type { KafkaSettings } from "./kafka-settings.ts";
import type { EventStream } from "./port.ts";
import { createReplacingPublisher } from "./replacing-publisher.ts";

/** `maxWaitMs` is how long the broker may hold a fetch; default 500 ms. */
export interface KafkaStreamOptions extends Partial<ReadingOptions> {
  readonly connection: KafkaSettings | SettingsNow;
}

/** Creates the stream; connecting goes on in the background and is retried for ever. */
export function createKafkaStream(
  deps: StreamDeps,
  { connection, maxWaitMs = 500, ...reading }: KafkaStreamOptions,
): EventStream {
  const { log } = deps;
  const now = settingsNow(connection);
  const parts = {
    connect: () => openKafkaConnection({ log }, now()),
    publisher: createReplacingPublisher({ open: () => openKafkaProducer({ log }, now()), log }),
  };
  return assembleStream(parts, deps, { maxWaitMs, ...reading });
}
