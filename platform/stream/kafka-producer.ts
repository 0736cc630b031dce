/**
 * A kafkajs client for publishing: acknowledged by all in-sync replicas, no retry inside. NB: not idempotent. Its idempotent mode may acknowledge
 * what the broker dropped as a duplicate; readers drop duplicates by id.
 */
import kafkajs, { type Message } from "kafkajs";
import type { Log } from "../log/log.ts";
import { clientConfig, type KafkaSettings } from "./kafka-settings.ts";
import { createSockets } from "./kafka-sockets.ts";
import { stopIdleTimer } from "./kafkajs-idle-timer.ts";
import type { OutgoingRecord } from "./port.ts";
import type { PublishingClient } from "./replacing-publisher.ts";

const ALL_REPLICAS = -1;

/** Begins to connect. */
export function openKafkaProducer({ log }: { readonly log: Log }, settings: KafkaSettings): PublishingClient {
  stopIdleTimer();
  const sockets = createSockets();
  const producer = new kafkajs.Kafka(clientConfig(settings, sockets.factory, log)).producer({
    idempotent: false,
    allowAutoTopicCreation: false,
    retry: { retries: 0 },
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  return {
    connected: producer.connect(),
    async send(records, timeoutMs) {
      await producer.sendBatch({ acks: ALL_REPLICAS, timeout: timeoutMs, topicMessages: byTopic(records) });
    },
    drop: sockets.destroy,
  };
}

function byTopic(records: readonly OutgoingRecord[]): { topic: string; messages: Message[] }[] {
  const groups = Map.groupBy(records, ({ topic }) => topic);
  return [...groups].map(([topic, group]) => ({
    topic,
    messages: group.map(({ key, value, headers }) => ({
      key,
      value,
      ...(headers === undefined ? {} : { headers: Object.fromEntries(headers) }),
    })),
  }));
}
