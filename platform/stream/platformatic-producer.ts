/**
 * A @platformatic/kafka client for publishing: acknowledged by all in-sync replicas, no retry inside, not idempotent (without retries there is
 * nothing to recognise). Keys go to the same partitions as with kafkajs and the Java client, so the client of a topic can be changed.
 */
import { compatibilityPartitioner, ProduceAcks, Producer } from "@platformatic/kafka";
import type { KafkaSettings } from "./kafka-settings.ts";
import { baseOptions, breakConnections, reach } from "./platformatic-settings.ts";
import type { PublishingClient } from "./replacing-publisher.ts";

/** Begins to connect. */
export function openPlatformaticProducer(settings: KafkaSettings): PublishingClient {
  const producer = new Producer<Buffer, Buffer | null>({
    ...baseOptions(settings),
    acks: ProduceAcks.ALL,
    idempotent: false,
    repeatOnStaleMetadata: false,
    partitioner: compatibilityPartitioner,
  });
  return {
    connected: reach(producer),
    async send(records) {
      await producer.send({
        messages: records.map(({ topic, key, value, headers = new Map() }) => ({
          topic,
          key: Buffer.from(key, "utf8"),
          value,
          headers: new Map([...headers].map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
        })),
      });
    },
    drop: () => breakConnections(producer),
  };
}
