/** The event stream of the set, in its database. */
import { accessTo, topicSpecs } from "../../core/messages/topic-setup.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import type { Log } from "../../platform/log/log.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import {
  createPostgresTopics,
  grantPostgresStream,
  migratePostgresStream,
} from "../../platform/stream/postgres-topics.ts";

/** Makes what is missing. `role`, where the decision service has one of its own, may then read and write what that service does, and nothing else. */
export async function prepareStream(log: Log, url: string, role?: string): Promise<void> {
  await migratePostgresStream(url);
  await using database = createDatabase({ log }, { connection: url, applicationName: "countersign-start" });
  await createPostgresTopics(database, topicSpecs({ partitions: 2, replicas: 1 }));
  if (role === undefined) return;
  const having = (right: "Read" | "Write") =>
    Object.values(TOPICS)
      .filter((topic) => accessTo(topic).some(({ who, rights }) => who === "decision" && rights.includes(right)))
      .map(({ name }) => name);
  await grantPostgresStream(database, { role, read: having("Read"), write: having("Write") });
}
