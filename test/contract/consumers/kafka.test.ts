/** The consumers on a real Kafka, by either client. */
import { describe } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createKafkaStream } from "../../../platform/stream/kafka.ts";
import { createPlatformaticStream } from "../../../platform/stream/platformatic.ts";
import { hasKafka, startKafka } from "../../harness/kafka.ts";
import { consumerSuite } from "./suite.ts";

const log = createLog({ name: "test", level: "silent" });
const found = await hasKafka();

(found ? describe : describe.skip).each([
  { client: "kafkajs", create: createKafkaStream },
  { client: "@platformatic/kafka", create: createPlatformaticStream },
])("consumers by $client", ({ create }) => {
  consumerSuite("Kafka", async () => {
    const kafka = await startKafka();
    return {
      createStream: () => create({ log, onFatal: () => {} }, { connection: kafka.settings, reassignMs: 100 }),
      createTopic: (topic, partitions) => kafka.createTopic(topic, { partitions }),
      [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
    };
  });
});
