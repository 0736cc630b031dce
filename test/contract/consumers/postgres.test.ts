/** The consumers on the stream in Postgres. */
import { describe } from "@jest/globals";
import { createPostgresTopics } from "../../../platform/stream/postgres-topics.ts";
import { startPostgresStreams } from "../stream/postgres-streams.ts";
import { consumerSuite } from "./suite.ts";

describe("consumers", () => {
  consumerSuite("Postgres", async () => {
    const streams = await startPostgresStreams();
    return {
      createStream: () => streams.open(),
      createTopic: async (topic, partitions) => {
        await createPostgresTopics(streams.database, [{ topic, partitions, replicationFactor: 1, config: {} }]);
      },
      [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose](),
    };
  });
});
