/**
 * The schema of the event stream in Postgres, its topics, and who may use them. For the owner of the schema: a command of the operator, or the
 * start on one machine. Services only verify. Nothing is ever created by first use.
 */
import { join } from "node:path";
import pg from "pg";
import type { Database, Queryable } from "../postgres/pool.ts";
import { runMigrations } from "../postgres/run-migrations.ts";
import { partitionFaults, settingFaults, type TopicFault, type TopicSpec } from "./topic-spec.ts";

/** Names under which Kafka knows these settings. What else a specification says (replicas) has no meaning on one server. */
const CLEANUP = "cleanup.policy";
const RETENTION = "retention.ms";
const TOMBSTONE_RETENTION = "delete.retention.ms";
/** Kafka's defaults, so that one specification means the same on both. */
const DEFAULT_RETENTION_MS = 7 * 24 * 3_600_000;
const DEFAULT_TOMBSTONE_RETENTION_MS = 24 * 3_600_000;

interface SetUp {
  readonly partitions: number;
  readonly cleanup: string;
  /** Of records, or of tombstones in a compacted topic; null is for ever. */
  readonly retentionMs: number | null;
}

/** Brings the schema to the version of this code; waits for whoever else is at it. The names of what ran. */
export async function migratePostgresStream(connection: string | pg.ClientConfig): Promise<readonly string[]> {
  const folder = join(import.meta.dirname, "postgres-migrations");
  return runMigrations(connection, { folder, table: "migrations", schema: "event_stream" });
}

/** Creates the topics that do not exist; returns their names. Existing ones are left as they are (`verifyPostgresTopics` judges them). */
export async function createPostgresTopics(
  database: Pick<Database, "transaction">,
  specs: readonly TopicSpec[],
): Promise<readonly string[]> {
  return database.transaction("create topics", async (tx) => {
    const created: string[] = [];
    for (const spec of specs) {
      const { topic } = spec;
      const { partitions, cleanup, retentionMs } = setUpOf(spec);
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

/**
 * Compares what there is with what has to be, as far as the specification names it. Empty when all is well. Any role that may use
 * the stream may ask. Rejects when the server cannot be asked, or the schema is not there.
 */
export async function verifyPostgresTopics(
  database: Queryable,
  specs: readonly TopicSpec[],
): Promise<readonly TopicFault[]> {
  const { rows } = await database.query<{
    topic: string;
    partitions: number;
    cleanup: string;
    retention_ms: string | null;
  }>("select topic, partitions, cleanup, retention_ms from event_stream.list_topics()");
  const existing = new Map(
    rows.map(({ topic, partitions, cleanup, retention_ms: ms }) => [
      topic,
      { partitions, cleanup, retentionMs: ms === null ? null : Number(ms) },
    ]),
  );
  return specs.flatMap((spec) => compare(spec, existing.get(spec.topic)));
}

function compare(spec: TopicSpec, found: SetUp | undefined): readonly TopicFault[] {
  if (found === undefined) return [{ topic: spec.topic, problem: "does not exist; create it" }];
  const { partitions, cleanup, retentionMs } = found;
  const retention = setUpOf(spec).cleanup === "compact" ? TOMBSTONE_RETENTION : RETENTION;
  const known = new Map([
    [CLEANUP, cleanup],
    [retention, String(retentionMs ?? -1)],
  ]);
  return [...partitionFaults(spec, partitions), ...settingFaults(spec, (name) => known.get(name))];
}

function setUpOf({ topic, partitions, config }: TopicSpec): SetUp {
  const cleanup = config[CLEANUP] ?? "delete";
  if (cleanup !== "delete" && cleanup !== "compact")
    throw new Error(`${topic}: ${CLEANUP} ${cleanup} is not known here`);
  const [name, fallback] =
    cleanup === "compact" ? [TOMBSTONE_RETENTION, DEFAULT_TOMBSTONE_RETENTION_MS] : [RETENTION, DEFAULT_RETENTION_MS];
  const ms = Number(config[name] ?? fallback);
  return { partitions, cleanup, retentionMs: ms < 0 ? null : ms };
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
  await database.transaction("grant topics", async (tx) => {
    const { rowCount } = await tx.query("select from pg_roles where rolname = $1", [role]);
    if (rowCount === 0) await tx.query(`create role ${quoted} login`);
    await tx.query(`grant usage on schema event_stream to ${quoted}`);
    for (const name of ["publish", "ranges", "read", "list_topics", "clean"]) {
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
