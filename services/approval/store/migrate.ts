/**
 * Brings a database to the version of this code, or says that it is not there. In production `migrate` is an explicit
 * command and a service only checks; on one machine it runs at start. Forward only: there is no way down, and a database
 * that is ahead of the code is refused as well, since an older service may not understand what a newer one wrote.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runner } from "node-pg-migrate";
import type pg from "pg";
import { AppError } from "../../../core/domain/app-error.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

const MIGRATIONS = join(import.meta.dirname, "..", "migrations");
const TABLE = "schema_migrations";

/** Runs what has not run yet, in one transaction, under the tool's advisory lock. The names of what ran. */
export async function migrate(connection: string | pg.ClientConfig): Promise<readonly string[]> {
  const ran = await runner({
    databaseUrl: connection,
    dir: MIGRATIONS,
    migrationsTable: TABLE,
    direction: "up",
    checkOrder: true,
    singleTransaction: true,
    log: () => {},
  });
  return ran.map((migration) => migration.name);
}

/** @throws AppError invalid_configuration when the database is behind or ahead of this code. */
export async function requireMigrated(database: Queryable): Promise<void> {
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql"));
  const expected = files.map((name) => name.slice(0, -".sql".length)).sort();
  const applied = await appliedMigrations(database);
  const missing = expected.filter((name) => !applied.includes(name));
  if (missing.length > 0) {
    throw new AppError("invalid_configuration", `the database lacks migrations: ${missing.join(", ")}`);
  }
  const unknown = applied.filter((name) => !expected.includes(name));
  if (unknown.length > 0) {
    throw new AppError("invalid_configuration", `the database is ahead of this version: ${unknown.join(", ")}`);
  }
}

async function appliedMigrations(database: Queryable): Promise<readonly string[]> {
  const { rows: found } = await database.query<{ exists: boolean }>("select to_regclass($1) is not null as exists", [
    TABLE,
  ]);
  if (found[0]?.exists !== true) return [];
  const { rows } = await database.query<{ name: string }>(`select name from ${TABLE} order by name`);
  return rows.map((row) => row.name);
}
