/** The event stream on Apache Kafka, with @platformatic/kafka: as kafka.ts in everything but the client. */
import { assembleStream, type StreamDeps } from "./assemble.ts";
import type { KafkaStreamOptions } from "./kafka.ts";
import { settingsNow } from "./kafka-config.ts";
import { openPlatformaticConnection } from "./platformatic-connection.ts";
import { openPlatformaticProducer } from "./platformatic-producer.ts";
import { rotating } from "./platformatic-settings.ts";
import type { EventStream } from "./port.ts";
import { createReplacingPublisher } from "./replacing-publisher.ts";

/** Creates the stream; connecting goes on in the background and is retried for ever. */
export function createPlatformaticStream(
  deps: StreamDeps,
  { connection, maxWaitMs = 500, ...reading }: KafkaStreamOptions,
): EventStream {
  const now = settingsNow(connection);
  // Two counts: with one, readers that connect in between could let each new publisher begin at the same broker of two.
  const [toRead, toPublish] = [rotating(now), rotating(now)];
  const parts = {
    connect: () => openPlatformaticConnection(toRead()),
    publisher: createReplacingPublisher({ open: () => openPlatformaticProducer(toPublish()), log: deps.log }),
  };
  return assembleStream(parts, deps, { maxWaitMs, ...reading });
}
