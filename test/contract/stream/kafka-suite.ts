/**
 * A Kafka adapter against a real broker: the contract of the port, then what only a broker can do (kafka-faults.ts, kafka-logs.ts,
 * kafka-security.ts). Both adapters run it unchanged.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import type { KafkaStreamOptions } from "../../../platform/stream/kafka.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { hasKafka, startKafka, type TestKafka } from "../../harness/kafka.ts";
import { startTcpProxy, type TcpProxy } from "../../harness/tcp-proxy.ts";
import { endInCommitMarker } from "./commit-marker.ts";
import type { KafkaAdapter, KafkaBroker } from "./kafka-broker.ts";
import { kafkaFaults } from "./kafka-faults.ts";
import { kafkaLogs } from "./kafka-logs.ts";
import { kafkaSecurity } from "./kafka-security.ts";
import { streamContract } from "./stream-contract.ts";

const log = createLog({ name: "test", level: "silent" });
const found = await hasKafka();

export function kafkaSuite(name: string, adapter: KafkaAdapter): void {
  let broker: TestKafka;
  let proxy: TcpProxy;

  const kafka = (): KafkaBroker => ({
    ...{ broker, proxy, open, newTopic },
    ...{ client: adapter.client, createStream: adapter.createStream },
    async openConnection() {
      const connection = await adapter.openConnection(broker.settings);
      return { fetch: connection.fetch, [Symbol.asyncDispose]: async () => connection.destroy(new Error("done")) };
    },
  });

  function open(options: Partial<KafkaStreamOptions> = {}, onFatal: (error: Error) => void = () => {}): EventStream {
    return adapter.createStream({ log, onFatal }, { connection: broker.settings, reassignMs: 100, ...options });
  }

  async function newTopic(config: Record<string, string> = {}, partitions = 1): Promise<string> {
    const topic = `t-${randomUUID()}`;
    await broker.createTopic(topic, { partitions, config });
    return topic;
  }

  (found ? describe : describe.skip)(`Kafka with ${name}`, () => {
    beforeAll(async () => {
      proxy = await startTcpProxy();
      broker = await startKafka({ proxyPort: proxy.port, secure: true });
      proxy.target = broker.proxyTarget;
    }, 180_000);
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      await broker?.[Symbol.asyncDispose]();
    }, 60_000);

    streamContract(`kafka with ${name}`, async () => ({
      config: { kafka: { brokers: [...broker.brokers], tls: false, client: adapter.client } },
      createStream: () => open(),
      createTopic: ({ partitions, compact }) => newTopic(compact ? { "cleanup.policy": "compact" } : {}, partitions),
      async emptyTail(topic) {
        await using stream = open();
        await endInCommitMarker(stream, broker.brokers, topic);
      },
      async [Symbol.asyncDispose]() {},
    }));
    kafkaFaults(kafka);
    kafkaLogs(kafka);
    kafkaSecurity(kafka);
  });
}
