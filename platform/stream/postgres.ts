/**
 * The event stream in Postgres, for one machine: the same port as Kafka without a broker. It rests on postgres-migrations/0001_event_stream.sql:
 * an offset is assigned under the lock of its partition's head, so offsets are in commit order, and publishing is one statement. Every stream
 * also offers to clean (retention and compaction); one at a time does.
 *
 * Connections, all outside any pool: one to publish, one per partition that is read, one for cleaning.
 */
import type { ClientConfig } from "pg";
import { createDatabase } from "../postgres/pool.ts";
import { assembleStream, type ReadingOptions, type StreamDeps } from "./assemble.ts";
import type { EventStream } from "./port.ts";
import { startPostgresCleaner } from "./postgres-cleaner.ts";
import { openPostgresConnection } from "./postgres-connection.ts";
import { createPostgresPublisher } from "./postgres-publisher.ts";

/** `maxWaitMs` is how soon a record is seen whose notification was lost; default 1 s. */
export interface PostgresStreamOptions extends Partial<ReadingOptions> {
  /** As DATABASE_URL, or pg's own settings. NB: a connection pooler in between breaks LISTEN and the fence of the publisher. */
  readonly connection: string | ClientConfig;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Default 10 s: pause between two rounds of cleaning. Null: this stream never does it. */
  readonly cleanEveryMs?: number | null;
  /** Default 10 s: a statement that runs longer is cancelled by the server, and its connection given up soon after. */
  readonly statementTimeoutMs?: number;
}

/** Creates the stream; connecting goes on in the background and is retried for ever. The schema has to be there (`migratePostgresStream`). */
export function createPostgresStream(
  deps: StreamDeps,
  {
    connection,
    applicationName,
    cleanEveryMs = 10_000,
    statementTimeoutMs = 10_000,
    maxWaitMs = 1_000,
    ...reading
  }: PostgresStreamOptions,
): EventStream {
  const { log } = deps;
  const database = createDatabase({ log }, { connection, applicationName, statementTimeoutMs });
  const publisher = createPostgresPublisher({ database, log });
  const cleaner = cleanEveryMs === null ? undefined : startPostgresCleaner({ database, log }, { cleanEveryMs });
  return assembleStream(
    {
      connect: () => openPostgresConnection({ database }),
      publisher: {
        publish: publisher.publish,
        async close() {
          await Promise.all([publisher.close(), cleaner?.close()]);
          await database.close();
        },
      },
    },
    deps,
    { maxWaitMs, ...reading },
  );
}
