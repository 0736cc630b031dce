/** `npm run migrate` as an operator runs it: a process against a real database, new, up to date, behind, ahead and away. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { stringify } from "yaml";
import { createLog } from "../../platform/log/log.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { requireMigrated } from "../../services/approval/store/migrate.ts";
import { freePort } from "../harness/free-port.ts";
import { createTestDatabase, type TestDatabase } from "../harness/postgres.ts";
import { runService } from "../harness/run-service.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "migrate-"));
  const settings = {
    deployment: "test",
    kafka: { brokers: ["127.0.0.1:1"] },
    bundle: { path: "not looked at", unsigned: "accepted" },
    identity: { issuers: [{ issuer: "https://i.example", audience: ["a"], algorithms: ["RS256"], jwks_file: "x" }] },
    signing: { kid: "key-1", keyPath: "not looked at" },
    decisionServices: { trustedKeys: { "decision-1": "not looked at" } },
  };
  await writeFile(join(folder, "approval.yaml"), stringify(settings));
});
afterAll(() => rm(folder, { recursive: true }));

function runMigrate(databaseUrl: string) {
  const env = { DATABASE_URL: databaseUrl, COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "a token of sixteen and more" };
  return runService("services/approval/migrate.ts", ["--config", join(folder, "approval.yaml")], env);
}

test("a database that does not answer: one sentence, exit code 1, and no password in it", async () => {
  const ended = await runMigrate(`postgres://u:CANARY0hunter2@127.0.0.1:${await freePort()}/d`);
  expect(ended).toMatchObject({ code: 1, out: "" });
  expect(ended.err).toMatch(/^cannot migrate: database\.url \(DATABASE_URL\): 127\.0\.0\.1:\d+ does not answer .*\n$/);
  expect(ended.err).not.toContain("CANARY0hunter2");
});

test("a configuration that is refused is refused before the database is asked", async () => {
  const ended = await runService("services/approval/migrate.ts", [], { COUNTERSIGN_DEPLOYMENTS: "x" });
  expect(ended).toMatchObject({ code: 78, out: "" });
  expect(ended.err).toContain("COUNTERSIGN_DEPLOYMENTS: is not a variable of this program");
});

test("what ran is said by name; a second run finds nothing to do; a database ahead of the code is refused", async () => {
  await using database = await createTestDatabase();
  const first = await runMigrate(database.connectionString);
  expect(first).toMatchObject({ code: 0, err: "" });
  const lines = first.out.trimEnd().split("\n");
  expect(lines.slice(0, 3)).toEqual(["ran 0001_core", "ran 0002_streams", "ran 0003_wakeups"]);
  const newest = lines.at(-2)?.replace("ran ", "");
  expect(lines.at(-1)).toBe(`the database is up to date, at ${newest}`);

  const second = await runMigrate(database.connectionString);
  expect(second).toEqual({ code: 0, out: `nothing to do: the database is at ${newest}\n`, err: "" });

  const client = new pg.Client(database.connectionString);
  await client.connect();
  await client.query("insert into schema_migrations (name, run_on) values ('9999_from_the_future', now())");
  await client.end();
  const third = await runMigrate(database.connectionString);
  expect(third).toMatchObject({ code: 78, out: "" });
  expect(third.err).toContain(
    "the database is ahead of this version: 9999_from_the_future; use the version that brought it",
  );
});

/** As the owner of the database. `$db` is its name. */
async function statements(
  { connectionString }: TestDatabase,
  ...texts: readonly string[]
): Promise<readonly unknown[]> {
  const client = new pg.Client(connectionString);
  await client.connect();
  try {
    const { rows } = await client.query<{ db: string }>("select current_database() as db");
    let last: readonly unknown[] = [];
    for (const text of texts)
      ({ rows: last } = await client.query({ text: text.replace("$db", rows[0]?.db ?? ""), rowMode: "array" }));
    return last;
  } finally {
    await client.end();
  }
}

test("where search_path does not name public, what ran is named beside the tables, and is found there", async () => {
  await using scratch = await createTestDatabase();
  await statements(scratch, "create schema own", "alter database $db set search_path = own");
  expect(await runMigrate(scratch.connectionString)).toMatchObject({ code: 0, err: "" });
  const where = "select distinct schemaname from pg_tables where tablename in ('denials', 'schema_migrations')";
  expect(await statements(scratch, where)).toEqual([["own"]]);
  const log = createLog({ name: "test", level: "silent" });
  await using database = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
  await requireMigrated(database);
  expect(await runMigrate(scratch.connectionString)).toMatchObject({
    code: 0,
    out: expect.stringContaining("nothing to do"),
  });

  await statements(scratch, "alter database $db set search_path = public");
  await using lost = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
  await expect(requireMigrated(lost)).rejects.toThrow(
    "grant it usage on their schema, and name that in its search_path",
  );
});

test("where names of what ran are found already, they stay, though something else comes first in search_path", async () => {
  await using scratch = await createTestDatabase();
  await statements(
    scratch,
    "create table schema_migrations (id serial primary key, name varchar(255) not null, run_on timestamp not null)",
    "create schema own",
    "alter database $db set search_path = own, public",
  );
  expect(await runMigrate(scratch.connectionString)).toMatchObject({ code: 0, err: "" });
  const where =
    "select tablename, schemaname from pg_tables where tablename in ('denials', 'schema_migrations') order by 1";
  expect(await statements(scratch, where)).toEqual([
    ["denials", "own"],
    ["schema_migrations", "public"],
  ]);
});

test("a search_path without a schema that is there, or that may be written, is refused with what to do, and nothing is made", async () => {
  await using scratch = await createTestDatabase();
  const role = `lesser_${randomUUID().replaceAll("-", "")}`;
  await statements(scratch, "alter database $db set search_path = nowhere");
  expect(await runMigrate(scratch.connectionString)).toMatchObject({
    ...{ code: 78, out: "" },
    err: expect.stringMatching(
      /^cannot migrate: the search_path of this user names no schema .* correct search_path\n$/,
    ),
  });
  try {
    await statements(
      scratch,
      `create role ${role}`,
      "alter database $db reset search_path",
      `alter database $db set role = ${role}`,
    );
    expect(await runMigrate(scratch.connectionString)).toMatchObject({
      ...{ code: 78, out: "" },
      err: expect.stringMatching(
        /^cannot migrate: this user may not create anything in schema public, .* grant it create there/,
      ),
    });
    expect(await statements(scratch, "select from pg_tables where schemaname = 'public'")).toEqual([]);
  } finally {
    await statements(scratch, "set role none", "alter database $db reset role", `drop role ${role}`);
  }
});

test("two at once: each migration runs once, and both end well", async () => {
  await using database = await createTestDatabase();
  const both = await Promise.all([runMigrate(database.connectionString), runMigrate(database.connectionString)]);
  expect(both.filter(({ code }) => code === 0)).not.toHaveLength(0);
  const ran = both.flatMap(({ out }) => out.split("\n").filter((line) => line.startsWith("ran ")));
  expect(new Set(ran).size).toBe(ran.length);
  expect(ran).toContain("ran 0001_core");
  expect(both.map(({ code, err }) => `${code} ${err}`)).toEqual(["0 ", "0 "]);
});
