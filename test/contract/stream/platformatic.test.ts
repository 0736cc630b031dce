/** The adapter on @platformatic/kafka. */
import { createPlatformaticStream } from "../../../platform/stream/platformatic.ts";
import { openPlatformaticConnection } from "../../../platform/stream/platformatic-connection.ts";
import { kafkaSuite } from "./kafka-suite.ts";

kafkaSuite("@platformatic/kafka", {
  client: "platformatic",
  createStream: createPlatformaticStream,
  openConnection: openPlatformaticConnection,
});
