/**
 * Brings a database to the version of this code, or says that it is not there. In production `migrate` is an explicit
 * command and a service only checks; on one machine it runs at start. Forward only: there is no way down, and a database
 * that is ahead of the code is refused as well, since an older service may not understand what a newer one wrote.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { AppError } from "../../../core/domain/app-error.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { runMigrations } from "../../../platform/postgres/run-migrations.ts";

const MIGRATIONS = join(import.meta.dirname, "..", "migrations");
const TABLE = "schema_migrations";
/** SQLSTATE: a database that was never migrated. */
const UNDEFINED_TABLE = "42P01";

/** Runs what has not run yet, or waits for whoever does. The names of what ran. */
export async function migrate(connection: string | pg.ClientConfig): Promise<readonly string[]> {
  return runMigrations(connection, { folder: MIGRATIONS, table: TABLE });
}

/** The newest migration of this code. @throws AppError invalid_configuration when the database is ahead of it. */
export async function requireNotAhead(database: Queryable): Promise<string> {
  const { expected, unknown } = await compare(database);
  refuseAhead(unknown);
  return expected.at(-1) ?? "";
}

/** Whether there is nothing to run. */
export async function isMigrated(database: Queryable): Promise<boolean> {
  return (await compare(database)).missing.length === 0;
}

/** @throws AppError invalid_configuration when the database is behind or ahead of this code. */
export async function requireMigrated(database: Queryable): Promise<void> {
  const { missing, unknown } = await compare(database);
  if (missing.length > 0) {
    const list = missing.join(", ");
    const todo = "run npm run migrate with this configuration";
    throw new AppError("invalid_configuration", `the database lacks migrations: ${list}; ${todo}`);
  }
  refuseAhead(unknown);
}

function refuseAhead(unknown: readonly string[]): void {
  if (unknown.length === 0) return;
  const list = unknown.join(", ");
  const todo = "use the version that brought it there, or a newer one";
  throw new AppError("invalid_configuration", `the database is ahead of this version: ${list}; ${todo}`);
}

async function compare(database: Queryable) {
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql"));
  const expected = files.map((name) => name.slice(0, -".sql".length)).sort();
  const applied = await appliedMigrations(database);
  const missing = expected.filter((name) => !applied.includes(name));
  const unknown = applied.filter((name) => !expected.includes(name));
  return { expected, missing, unknown };
}

async function appliedMigrations(database: Queryable): Promise<readonly string[]> {
  try {
    const { rows } = await database.query<{ name: string }>(`select name from ${TABLE} order by name`);
    return rows.map((row) => row.name);
  } catch (error) {
    if (typeof error === "object" && error !== null && "code" in error && error.code === UNDEFINED_TABLE) return [];
    throw error;
  }
}
