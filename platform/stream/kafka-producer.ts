/**
 * Publishes to Kafka: all replicas, no retry inside the client, and never a second chance for a client that has once not answered. kafkajs
 * could otherwise send what it had queued after the caller has gone on (order), and its idempotent mode may acknowledge what the broker
 * dropped as a duplicate; so the producer is not idempotent, and readers drop doubles by id.
 */
import kafkajs, { type Message, type Producer } from "kafkajs";
import { createBackoff } from "../backoff.ts";
import type { Log } from "../log/log.ts";
import { clientConfig, type KafkaSettings } from "./kafka-settings.ts";
import { createSockets } from "./kafka-sockets.ts";
import { stopIdleTimer } from "./kafkajs-idle-timer.ts";
import type { OutgoingRecord, PublishOutcome } from "./port.ts";

export interface KafkaProducer {
  publish(records: readonly OutgoingRecord[], options: { readonly deadlineMs: number }): Promise<PublishOutcome>;
  close(): Promise<void>;
}

const ALL_REPLICAS = -1;

interface Client {
  readonly producer: Producer;
  readonly connected: Promise<void>;
  drop(reason: Error): void;
}

/** Connects at once and again after each drop, so that a publish with a short deadline finds a connection. */
export function createKafkaProducer({ log }: { readonly log: Log }, settings: KafkaSettings): KafkaProducer {
  stopIdleTimer();
  const stop = new AbortController();
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000 });
  let current = openClient();
  let reconnecting: Promise<void> | undefined;

  function openClient(): Client {
    const sockets = createSockets();
    const producer = new kafkajs.Kafka(clientConfig(settings, sockets.factory, log)).producer({
      idempotent: false,
      allowAutoTopicCreation: false,
      retry: { retries: 0 },
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    const client: Client = { producer, connected: producer.connect(), drop: sockets.destroy };
    client.connected.then(
      () => backoff.reset(),
      (error: unknown) => replace(client, error),
    );
    return client;
  }

  /** Drops this client if it is still the current one, and puts a new one in its place: at once after a failed send, with a pause when not even connecting works. */
  function replace(client: Client, cause: unknown): void {
    client.drop(new Error("kafka producer dropped", { cause }));
    if (client !== current || stop.signal.aborted || reconnecting !== undefined) return;
    log.warn({ err: cause }, "kafka producer dropped");
    reconnecting = backoff
      .wait(stop.signal)
      .then(() => {
        reconnecting = undefined;
        current = openClient();
      })
      .catch(() => {});
  }

  return {
    async publish(records, { deadlineMs }) {
      if (records.length === 0) return { kind: "acked" };
      if (stop.signal.aborted) return { kind: "unknown", cause: new Error("stream is closed") };
      const begun = performance.now();
      const timeout = Promise.withResolvers<never>();
      const timer = setTimeout(() => timeout.reject(new Error(`no answer from kafka in ${deadlineMs} ms`)), deadlineMs);
      let client: Client | undefined;
      try {
        if (reconnecting !== undefined) await Promise.race([reconnecting, timeout.promise]);
        client = current;
        await Promise.race([client.connected, timeout.promise]);
        const timeLeft = Math.max(1, Math.round(deadlineMs - (performance.now() - begun)));
        const sent = client.producer.sendBatch({
          acks: ALL_REPLICAS,
          timeout: timeLeft,
          topicMessages: byTopic(records),
        });
        await Promise.race([sent, timeout.promise]);
        return { kind: "acked" };
      } catch (cause) {
        if (client !== undefined) replace(client, cause);
        return { kind: "unknown", cause };
      } finally {
        clearTimeout(timer);
      }
    },
    async close() {
      stop.abort();
      await reconnecting;
      current.drop(new Error("stream is closed"));
      await current.connected.catch(() => {});
    },
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
