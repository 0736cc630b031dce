/**
 * The Postgres adapter on a real server: the contract of the port, then what only it has: offsets in the order of commits whoever holds a
 * head, cleaning, roles, and the ends that a server and its clients can come to.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase, type Database } from "../../../platform/postgres/pool.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { createPostgresStream, type PostgresStreamOptions } from "../../../platform/stream/postgres.ts";
import {
  createPostgresTopics,
  migratePostgresStream,
  type PostgresTopicSpec,
} from "../../../platform/stream/postgres-topics.ts";
import { createTestDatabase, type TestDatabase } from "../../harness/postgres.ts";
import { publishSurely, readAll, record, streamContract, valuesOf } from "./stream-contract.ts";

const log = createLog({ name: "test", level: "silent" });

let scratch: TestDatabase;
let database: Database;

function open(options: Partial<PostgresStreamOptions> = {}, onFatal: (error: Error) => void = () => {}): EventStream {
  const connection = scratch.connectionString;
  return createPostgresStream(
    { log, onFatal },
    { connection, applicationName: "test", reassignMs: 100, cleanEveryMs: 3_600_000, ...options },
  );
}

async function newTopic(spec: Partial<PostgresTopicSpec> = {}): Promise<string> {
  const topic = `t-${randomUUID()}`;
  await createPostgresTopics(database, [{ topic, partitions: 1, cleanup: "delete", retentionMs: null, ...spec }]);
  return topic;
}

/** As often as there is something to do, as the leader of cleaning does. */
async function clean(topic: string, step = 1_000): Promise<void> {
  const sql = "select event_stream.clean($1, 0, $2) as more";
  while ((await database.query<{ more: boolean }>(sql, [topic, step])).rows[0]?.more === true);
}

describe("Postgres", () => {
  beforeAll(async () => {
    scratch = await createTestDatabase({
      name: "event_stream",
      async prepare(connection) {
        await migratePostgresStream(connection);
      },
    });
    database = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  streamContract("postgres", async () => ({
    createStream: () => open(),
    createTopic: ({ partitions, compact }) =>
      newTopic({ partitions, ...(compact ? { cleanup: "compact", retentionMs: 0 } : {}) }),
    async emptyTail(topic) {
      await using stream = open();
      await publishSurely(stream, [{ topic, key: "b", value: null }]);
      await clean(topic);
    },
    async [Symbol.asyncDispose]() {},
  }));

  describe("cleaning", () => {
    test("compaction keeps the latest record of each key and nothing else, at its own offset, however small the steps", async () => {
      const topic = await newTopic({ cleanup: "compact" });
      await using stream = open();
      const last = new Map<string, string>();
      for (let n = 0; n < 60; n += 1) {
        const key = `k${(n * n) % 7}`;
        last.set(key, String(n));
        await publishSurely(stream, [record(topic, key, String(n))]);
      }
      await clean(topic, 7);
      const records = await readAll(stream, topic);
      expect(new Map(records.map(({ key, value }) => [key, value?.toString()]))).toEqual(last);
      expect(records).toHaveLength(last.size);
      for (const { offset, value } of records) expect(String(offset)).toBe(value?.toString());
    }, 60_000);
  });
});
