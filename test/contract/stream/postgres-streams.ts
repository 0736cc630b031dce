/** A database with the schema of the event stream, and what tests do with it beside the port: topics, cleaning, looking at what stands. */
import { randomUUID } from "node:crypto";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase, type Database } from "../../../platform/postgres/pool.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { createPostgresStream, type PostgresStreamOptions } from "../../../platform/stream/postgres.ts";
import { createPostgresTopics, migratePostgresStream } from "../../../platform/stream/postgres-topics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createTestDatabase } from "../../harness/postgres.ts";

const log = createLog({ name: "test", level: "silent" });

export interface PostgresStreams extends AsyncDisposable {
  readonly connectionString: string;
  /** As the owner of the schema. */
  readonly database: Database;
  /** Does not clean by itself unless told. */
  open(options?: Partial<PostgresStreamOptions>, onFatal?: (error: Error) => void): EventStream;
  /** `config` as in TopicSpec. */
  newTopic(config?: Readonly<Record<string, string>>, partitions?: number): Promise<string>;
  /** One step of cleaning partition 0; true while there may be more. */
  cleanStep(topic: string, step: number): Promise<boolean>;
  clean(topic: string, step?: number): Promise<void>;
  /** Values that stand in a topic, in order of offset; null is a tombstone. */
  standing(topic: string): Promise<readonly (string | null)[]>;
  /** Process ids of the sessions of a name, after it is certain that there are any. */
  backends(applicationName: string): Promise<readonly number[]>;
}

/** In a database of its own, or in the one that is given. */
export async function startPostgresStreams(given?: string): Promise<PostgresStreams> {
  const scratch = given === undefined ? await createTestDatabase(TEMPLATE) : undefined;
  const connectionString = given ?? scratch?.connectionString ?? "";
  if (given !== undefined) await migratePostgresStream(given);
  const database = createDatabase({ log }, { connection: connectionString, applicationName: "test" });
  const streams: PostgresStreams = {
    connectionString,
    database,
    open: (options = {}, onFatal = () => {}) =>
      createPostgresStream(
        { log, onFatal },
        {
          connection: connectionString,
          applicationName: "test",
          reassignMs: 100,
          cleanEveryMs: null,
          ...options,
        },
      ),
    async newTopic(config = {}, partitions = 1) {
      const topic = `t-${randomUUID()}`;
      await createPostgresTopics(database, [{ topic, partitions, replicationFactor: 1, config }]);
      return topic;
    },
    async cleanStep(topic, step) {
      const sql = "select event_stream.clean($1, 0, $2) as more";
      return (await database.query<{ more: boolean }>(sql, [topic, step])).rows[0]?.more === true;
    },
    async clean(topic, step = 1_000) {
      while (await streams.cleanStep(topic, step));
    },
    async standing(topic) {
      const { rows } = await database.query<{ value: string | null }>(
        `select convert_from(r.value, 'UTF8') as value from event_stream.records r
           join event_stream.topics t on t.id = r.topic_id where t.topic = $1 order by r."offset"`,
        [topic],
      );
      return rows.map(({ value }) => value);
    },
    backends: (applicationName) =>
      waitUntil(`a session named ${applicationName}`, 60_000, async () => {
        const { rows } = await database.query<{ pid: number }>(
          "select pid from pg_stat_activity where application_name = $1",
          [applicationName],
        );
        return rows.length > 0 && rows.map(({ pid }) => pid);
      }),
    async [Symbol.asyncDispose]() {
      await database.close();
      await scratch?.drop();
    },
  };
  return streams;
}

const TEMPLATE = {
  name: "event_stream",
  async prepare(connectionString: string) {
    await migratePostgresStream(connectionString);
  },
};
