/** The consumers on a real Kafka. */
import { describe } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createKafkaStream } from "../../../platform/stream/kafka.ts";
import { hasKafka, startKafka } from "../../harness/kafka.ts";
import { consumerSuite } from "./suite.ts";

const log = createLog({ name: "test", level: "silent" });
const found = await hasKafka();

(found ? describe : describe.skip)("consumers", () => {
  consumerSuite("Kafka", async () => {
    const kafka = await startKafka();
    return {
      createStream: () =>
        createKafkaStream({ log, onFatal: () => {} }, { connection: kafka.settings, reassignMs: 100 }),
      createTopic: (topic, partitions) => kafka.createTopic(topic, { partitions }),
      [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
    };
  });
});
