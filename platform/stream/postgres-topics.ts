/**
 * The schema of the event stream in Postgres, its topics, and who may use them. For whoever owns the schema: a command of the operator, or
 * the start on one machine. Services only verify. Nothing is ever created by first use.
 */
import { join } from "node:path";
import { runner } from "node-pg-migrate";
import pg from "pg";
import type { Database, Queryable } from "../postgres/pool.ts";

export interface PostgresTopicSpec {
  readonly topic: string;
  /** Exactly so many: records stay where their key once put them. */
  readonly partitions: number;
  /** `delete` forgets records by age; `compact` keeps the latest of each key and forgets tombstones by age. */
  readonly cleanup: "delete" | "compact";
  /** That age; null is never. */
  readonly retentionMs: number | null;
}

export interface PostgresTopicFault {
  readonly topic: string;
  /** What is wrong and what to do, one sentence. */
  readonly problem: string;
}

/** Brings the schema to the version of this code; waits for whoever else is at it. The names of what ran. */
export async function migratePostgresStream(connection: string | pg.ClientConfig): Promise<readonly string[]> {
  const ran = await runner({
    databaseUrl: connection,
    dir: join(import.meta.dirname, "postgres-migrations"),
    migrationsTable: "migrations",
    migrationsSchema: "event_stream",
    createMigrationsSchema: true,
    direction: "up",
    checkOrder: true,
    singleTransaction: true,
    advisoryLockMode: "wait",
    log: () => {},
  });
  return ran.map(({ name }) => name);
}

/** Creates the topics that do not exist; returns their names. Existing ones are left as they are (`verifyPostgresTopics` judges them). */
export async function createPostgresTopics(
  database: Pick<Database, "transaction">,
  specs: readonly PostgresTopicSpec[],
): Promise<readonly string[]> {
  return database.transaction(async (tx) => {
    const created: string[] = [];
    for (const { topic, partitions, cleanup, retentionMs } of specs) {
      const { rowCount } = await tx.query(
        `with made as (
           insert into event_stream.topics (topic, partitions, cleanup, retention_ms) values ($1, $2, $3, $4)
           on conflict (topic) do nothing returning id
         ), heads as (
           insert into event_stream.heads (topic_id, partition)
           select id, partition from made, generate_series(0, $2 - 1) as partition
         ), cleaned as (
           insert into event_stream.cleaned (topic_id, partition)
           select id, partition from made, generate_series(0, $2 - 1) as partition
         )
         select id from made`,
        [topic, partitions, cleanup, retentionMs],
      );
      if (rowCount === 1) created.push(topic);
    }
    return created;
  });
}

/** Compares what there is with what has to be. Empty when all is well. Needs to read the schema, so: the owner. */
export async function verifyPostgresTopics(
  database: Queryable,
  specs: readonly PostgresTopicSpec[],
): Promise<readonly PostgresTopicFault[]> {
  const { rows } = await database.query<{
    topic: string;
    partitions: number;
    cleanup: string;
    retention_ms: string | null;
  }>("select topic, partitions, cleanup, retention_ms from event_stream.topics");
  const existing = new Map(rows.map((row) => [row.topic, row]));
  return specs.flatMap(({ topic, partitions, cleanup, retentionMs }) => {
    const found = existing.get(topic);
    if (found === undefined) return [{ topic, problem: "does not exist; create it" }];
    const compared: readonly (readonly [string, unknown, unknown])[] = [
      ["partitions", found.partitions, partitions],
      ["cleanup", found.cleanup, cleanup],
      ["retention_ms", found.retention_ms === null ? null : Number(found.retention_ms), retentionMs],
    ];
    return compared
      .filter(([, actual, wanted]) => actual !== wanted)
      .map(([name, actual, wanted]) => ({ topic, problem: `${name} is ${actual} and has to be ${wanted}` }));
  });
}

/**
 * Lets a role use the stream, and of the database nothing else: it may connect, call the functions of the schema, and read and write the
 * named topics (replacing what it could before). Creates the role, without a password, when it is not there.
 */
export async function grantPostgresStream(
  database: Pick<Database, "transaction">,
  { role, read, write }: { readonly role: string; readonly read: readonly string[]; readonly write: readonly string[] },
): Promise<void> {
  const quoted = pg.escapeIdentifier(role);
  await database.transaction(async (tx) => {
    const { rowCount } = await tx.query("select from pg_roles where rolname = $1", [role]);
    if (rowCount === 0) await tx.query(`create role ${quoted} login`);
    await tx.query(`grant usage on schema event_stream to ${quoted}`);
    for (const name of ["publish", "ranges", "read", "partitions", "clean"]) {
      await tx.query(`grant execute on function event_stream.${name} to ${quoted}`);
    }
    await tx.query("delete from event_stream.access where role = $1", [role]);
    const { rowCount: granted } = await tx.query(
      `insert into event_stream.access (topic_id, role, action)
       select t.id, $1, a.action from event_stream.topics t
         join (select unnest($2::text[]) as topic, 'read' as action
               union all select unnest($3::text[]), 'write') a using (topic)`,
      [role, read, write],
    );
    if (granted !== read.length + write.length)
      throw new Error(`not all of these topics exist: ${[...read, ...write].join(", ")}`);
  });
}
