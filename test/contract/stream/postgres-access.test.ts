/**
 * Who may do what: a role of the stream reaches its topics by the functions of the schema, and of the database nothing else. And the
 * operator's side: topics are created once, verified by anybody, and never made by first use.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import {
  createPostgresTopics,
  grantPostgresStream,
  migratePostgresStream,
  verifyPostgresTopics,
} from "../../../platform/stream/postgres-topics.ts";
import { type PostgresStreams, startPostgresStreams } from "./postgres-streams.ts";
import { publishSurely, readAll, record, valuesOf } from "./stream-fixture.ts";

const log = createLog({ name: "test", level: "silent" });
const DEADLINE = { deadlineMs: 30_000 };

let streams: PostgresStreams;
beforeAll(async () => {
  streams = await startPostgresStreams();
  await streams.database.query("create table secrets as select 'of another schema' as text");
}, 60_000);
afterAll(async () => {
  await streams[Symbol.asyncDispose]();
});

/** A role with exactly these rights, and how it connects. Roles belong to the server, so it is dropped at the end. */
async function withRole(
  rights: { readonly read: readonly string[]; readonly write: readonly string[] },
  use: (connection: pg.ClientConfig, role: string) => Promise<void>,
): Promise<void> {
  const role = `stream ${randomUUID()}`;
  const password = randomUUID();
  await grantPostgresStream(streams.database, { role, ...rights });
  await streams.database.query(`alter role ${pg.escapeIdentifier(role)} password ${pg.escapeLiteral(password)}`);
  const { host, port, database } = new pg.Client(streams.connectionString);
  try {
    await use({ host, port, user: role, password, ...(database === undefined ? {} : { database }) }, role);
  } finally {
    await streams.database.query(`drop owned by ${pg.escapeIdentifier(role)}`);
    await streams.database.query(`drop role ${pg.escapeIdentifier(role)}`);
  }
}

test("a role neither sees a topic that it was not given nor does with one what it was not given for", async () => {
  const [readable, writable, other] = [await streams.newTopic(), await streams.newTopic(), await streams.newTopic()];
  await withRole({ read: [readable], write: [writable] }, async (connection) => {
    await using owner = streams.open();
    await publishSurely(owner, [record(readable, "k", "for you")]);
    await using stream = streams.open({ connection });
    for (const topic of [readable, other]) {
      expect((await stream.publish([record(topic, "k", "v")], DEADLINE)).kind).toBe("unknown");
      const mixed = [record(writable, "k", "v"), record(topic, "k", "v")];
      expect((await stream.publish(mixed, DEADLINE)).kind).toBe("unknown");
    }
    await expect(stream.endOffsets(other, DEADLINE)).rejects.toThrow("does not exist, or this role may not see it");
    await publishSurely(stream, [record(writable, "k", "from you")]);
    expect(valuesOf(await readAll(stream, readable))).toEqual(["for you"]);
    expect(await streams.standing(writable)).toEqual(["from you"]);
    expect(await streams.standing(other)).toEqual([]);
    await using database = createDatabase({ log }, { connection, applicationName: "test" });
    const read = database.query("select * from event_stream.read($1, 0, 0, 10, 1000)", [writable]);
    expect((await read).rows).toEqual([]);
  });
}, 30_000);

test("a role reaches no table, neither of the stream nor of anybody else, and cannot give itself rights", async () => {
  const topic = await streams.newTopic();
  await withRole({ read: [], write: [topic] }, async (connection) => {
    await using database = createDatabase({ log }, { connection, applicationName: "test" });
    for (const statement of [
      "select * from event_stream.records",
      "delete from event_stream.records",
      "update event_stream.heads set next = 0",
      "update event_stream.topics set retention_ms = 0",
      "insert into event_stream.access select id, session_user, 'read' from event_stream.topics",
      "select * from event_stream.accessible('x', 'read')",
      "create table event_stream.mine (n int)",
      "create table mine (n int)",
      "select * from secrets",
    ]) {
      await expect(database.query(statement)).rejects.toMatchObject({ code: "42501" });
    }
  });
}, 30_000);

test("a role that sets a search path or a type of its own does not change what the functions mean", async () => {
  const topic = await streams.newTopic();
  await withRole({ read: [], write: [topic] }, async (connection) => {
    const client = new pg.Client(connection);
    await client.connect();
    try {
      await client.query("create temporary table topics as select 1 as id, 'any'::text as topic, 1 as partitions");
      await client.query("create function pg_temp.sha256(bytea) returns bytea language sql as $$ select ''::bytea $$");
      await client.query("set search_path = pg_temp, pg_catalog");
      const publish = "select event_stream.publish(array[$1], array['k'::bytea], array['v'::bytea], array[null])";
      await expect(client.query(publish, ["any"])).rejects.toThrow("does not exist");
      await client.query(publish, [topic]);
    } finally {
      await client.end();
    }
    expect(await streams.standing(topic)).toEqual(["v"]);
  });
}, 30_000);

test("rights are replaced and not added up; a topic that does not exist is an error and changes nothing", async () => {
  const [former, latter] = [await streams.newTopic(), await streams.newTopic()];
  await withRole({ read: [], write: [former] }, async (connection, role) => {
    await expect(grantPostgresStream(streams.database, { role, read: [], write: ["absent"] })).rejects.toThrow(
      "absent",
    );
    await using stream = streams.open({ connection });
    await publishSurely(stream, [record(former, "k", "v")]);
    await grantPostgresStream(streams.database, { role, read: [], write: [latter] });
    expect((await stream.publish([record(former, "k", "v")], DEADLINE)).kind).toBe("unknown");
    await publishSurely(stream, [record(latter, "k", "v")]);
  });
}, 30_000);

test("verification names a missing topic and every setting that differs; any role of the stream may ask", async () => {
  const wrong = await streams.newTopic({ "cleanup.policy": "delete", "retention.ms": "1000" }, 2);
  const spec = (topic: string, config: Record<string, string>) => ({
    topic,
    partitions: 1,
    exactPartitions: true,
    replicationFactor: 1,
    config,
  });
  const fresh = `t-${randomUUID()}`;
  const specs = [
    spec(wrong, { "cleanup.policy": "compact", "delete.retention.ms": "86400000" }),
    spec(fresh, { "retention.ms": "-1" }),
  ];
  await withRole({ read: [], write: [] }, async (connection) => {
    await using database = createDatabase({ log }, { connection, applicationName: "test" });
    const faults = await verifyPostgresTopics(database, specs);
    expect(faults.map(({ topic, problem }) => [topic, problem.split(" ")[0]])).toEqual([
      [wrong, "has"],
      [wrong, "cleanup.policy"],
      [wrong, "delete.retention.ms"],
      [fresh, "does"],
    ]);
  });
  expect(await createPostgresTopics(streams.database, specs)).toEqual([fresh]);
  expect(await createPostgresTopics(streams.database, specs)).toEqual([]);
  expect(await verifyPostgresTopics(streams.database, specs.slice(1))).toEqual([]);
}, 30_000);

test("migrating again, and from two processes at once, changes nothing", async () => {
  const topic = await streams.newTopic();
  const again = [migratePostgresStream(streams.connectionString), migratePostgresStream(streams.connectionString)];
  expect(await Promise.all(again)).toEqual([[], []]);
  await using stream = streams.open();
  await publishSurely(stream, [record(topic, "k", "v")]);
}, 30_000);
