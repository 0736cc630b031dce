/** `npm run migrate` as an operator runs it: a process against a real database, new, up to date, behind, ahead and away. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { stringify } from "yaml";
import { freePort } from "../harness/free-port.ts";
import { createTestDatabase } from "../harness/postgres.ts";
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

test("two at once: each migration runs once, and both end well", async () => {
  await using database = await createTestDatabase();
  const both = await Promise.all([runMigrate(database.connectionString), runMigrate(database.connectionString)]);
  expect(both.filter(({ code }) => code === 0)).not.toHaveLength(0);
  const ran = both.flatMap(({ out }) => out.split("\n").filter((line) => line.startsWith("ran ")));
  expect(new Set(ran).size).toBe(ran.length);
  expect(ran).toContain("ran 0001_core");
  expect(both.map(({ code, err }) => `${code} ${err}`)).toEqual(["0 ", "0 "]);
});
