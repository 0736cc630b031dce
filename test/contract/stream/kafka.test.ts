/** The adapter on kafkajs. */
import { createLog } from "../../../platform/log/log.ts";
import { createKafkaStream } from "../../../platform/stream/kafka.ts";
import { openKafkaConnection } from "../../../platform/stream/kafka-connection.ts";
import { kafkaSuite } from "./kafka-suite.ts";

const log = createLog({ name: "test", level: "silent" });

kafkaSuite("kafkajs", {
  client: "kafkajs",
  createStream: createKafkaStream,
  openConnection: (settings) => openKafkaConnection({ log }, settings),
});
