/** The stream of a system in its database: each part connects as a role that reaches its own topics and nothing else. */
import { accessTo, topicSpecs } from "../../../core/messages/topic-setup.ts";
import { TOPICS, type TopicReader } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { createPostgresStream } from "../../../platform/stream/postgres.ts";
import {
  createPostgresTopics,
  grantPostgresStream,
  migratePostgresStream,
} from "../../../platform/stream/postgres-topics.ts";

const log = createLog({ name: "harness", level: "silent" });

/** Sets up schema, topics and roles; answers with the connection string of a part's role. */
export async function preparePostgresStream(
  connection: string,
  { partitions }: { readonly partitions: number },
): Promise<(part: TopicReader) => string> {
  await migratePostgresStream(connection);
  await using owner = createDatabase({ log }, { connection, applicationName: "harness" });
  await createPostgresTopics(owner, topicSpecs({ partitions, replicas: 1 }));
  for (const part of ["decision", "approval", "auditor"] as const) {
    const granted = (right: "Read" | "Write") =>
      Object.values(TOPICS)
        .filter((topic) => accessTo(topic).some(({ who, rights }) => who === part && rights.includes(right)))
        .map(({ name }) => name);
    await grantPostgresStream(owner, { role: `stream_${part}`, read: granted("Read"), write: granted("Write") });
  }
  return (part) => connection.replace("user=postgres", `user=stream_${part}`);
}

/** Of somebody who may do everything, and cleans nothing. */
export function openPostgresStream(connection: string): EventStream {
  const options = { connection, applicationName: "harness", cleanEveryMs: null };
  return createPostgresStream({ log, onFatal: () => {} }, options);
}
