/** Migration 0017 on rows of before: sightings were counted by ten minutes, and only their first and last day are certain. */
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { durationMs, instant } from "../../../core/domain/time.ts";
import { createDatabase, type Database } from "../../../platform/postgres/pool.ts";
import { runMigrations } from "../../../platform/postgres/run-migrations.ts";
import { migrate } from "../../../services/approval/store/migrate.ts";
import { dueProfiles } from "../../../services/approval/store/published-profiles.ts";
import { createTestDatabase, type TestDatabase } from "../../harness/postgres.ts";
import { silent as log } from "./migrated-database.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../services/approval/migrations");

let scratch: TestDatabase;
let database: Database;
beforeAll(async () => {
  scratch = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), "migrations-before-"));
  const before = (await readdir(MIGRATIONS)).filter((name) => name < "0017");
  for (const name of before) await cp(join(MIGRATIONS, name), join(folder, name));
  await runMigrations(scratch.connectionString, { folder, table: "schema_migrations" });
  await rm(folder, { recursive: true });
  database = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await scratch.drop();
});

test("a hundred sightings of one hour become one day; a row of many days two; days of several rows are those that differ and not long ago", async () => {
  await database.query(
    `insert into profiles (id, issuer, subject, changes, published_changes, version)
     values ('a', 'i', 'dana', 7, 7, 1000), ('b', 'i', 'max', 1, 1, 1000), ('c', 'i', 'sam', 1, 1, 1000), ('d', 'i', 'kim', 1, 1, 1000)`,
  );
  await database.query(
    `insert into sightings (profile_id, hour, network, count, first_seen, last_seen)
     values ('a', 14, '192.0.2.0/24', 50, '2026-11-24T14:30:00Z', '2026-11-24T14:59:59Z'),
            ('a', 15, '192.0.2.0/24', 50, '2026-11-24T15:00:00Z', '2026-11-24T15:30:00Z'),
            ('b', 9, '192.0.2.0/24', 100, '2026-11-20T09:00:00Z', '2026-11-24T09:00:00Z'),
            ('b', 9, '', 4, '2026-11-21T09:00:00Z', '2026-11-24T09:30:00Z'),
            ('b', 23, '192.0.2.0/24', 1, '2026-11-25T23:30:00Z', '2026-11-25T23:30:00Z'),
            ('d', 3, '192.0.2.0/24', 1, '2025-01-10T03:00:00Z', '2025-01-10T03:00:00Z'),
            ('d', 3, '198.51.100.0/24', 1, '2025-12-24T03:00:00Z', '2025-12-24T03:00:00Z'),
            ('d', 3, '203.0.113.0/24', 2, '2026-11-23T03:00:00Z', '2026-11-24T03:00:00Z')`,
  );
  await database.query(
    `insert into country_sightings (profile_id, country, count, first_seen, last_seen)
     values ('a', 'US', 100, '2026-11-24T14:30:00Z', '2026-11-24T15:30:00Z'),
            ('b', 'DE', 50, '2026-11-20T09:00:00Z', '2026-11-24T09:00:00Z')`,
  );

  // Where it is already the next day at three o'clock, UTC.
  await database.query(
    `alter database "${new URL(scratch.connectionString).pathname.slice(1)}" set timezone = 'Asia/Tokyo'`,
  );
  expect((await migrate(scratch.connectionString))[0]).toBe("0017_profiles_in_days");

  const at = (time: string) => instant(Date.parse(time));
  const once = { days: 1, last: at("2026-11-24T15:30:00Z") };
  const due = await dueProfiles(database, { interval: durationMs(0), keepDays: 90 }, 10);
  const [dana, max, sam, kim] = due.toSorted((one, other) => one.id.localeCompare(other.id));
  expect(dana?.profile).toMatchObject({
    ...{ days: 1, since: at("2026-11-24T14:30:00Z") },
    hours: [
      { hour: 14, days: 1, last: at("2026-11-24T14:59:59Z") },
      { hour: 15, ...once },
    ],
    ...{ networks: [{ network: "192.0.2.0/24", ...once }], countries: [{ country: "US", ...once }] },
  });
  expect(max?.profile).toMatchObject({
    ...{ days: 4, since: at("2026-11-20T09:00:00Z") },
    hours: [
      { hour: 9, days: 3, last: at("2026-11-24T09:30:00Z") },
      { hour: 23, days: 1, last: at("2026-11-25T23:30:00Z") },
    ],
    networks: [{ network: "192.0.2.0/24", days: 3, last: at("2026-11-25T23:30:00Z") }],
    countries: [{ country: "DE", days: 2, last: at("2026-11-24T09:00:00Z") }],
  });
  expect(sam).toMatchObject({ id: "c", profile: undefined });
  // The nights of the years before do not make the hour look usual.
  expect(kim?.profile).toMatchObject({ days: 2, hours: [{ hour: 3, days: 2, last: at("2026-11-24T03:00:00Z") }] });
});
