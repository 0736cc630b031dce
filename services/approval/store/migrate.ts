/**
 * Brings a database to the version of this code, or says that it is not. In production `migrate` is an explicit command and a service only
 * checks; on one machine it runs at start. Forward only: there is no way down, and a database ahead of the code is refused as well, since an
 * older service may not understand what a newer one wrote.
 */
import { join } from "node:path";
import type pg from "pg";
import { AppError } from "../../../core/domain/app-error.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { compareMigrations, runMigrations } from "../../../platform/postgres/run-migrations.ts";

const MIGRATIONS = { folder: join(import.meta.dirname, "..", "migrations"), table: "schema_migrations" };

const HOW_SEEN = "grant it usage on their schema, and name that in its search_path";

/** Runs what has not run yet, or waits for whoever does. The names of what ran. */
export async function migrate(connection: string | pg.ClientConfig): Promise<readonly string[]> {
  return runMigrations(connection, MIGRATIONS);
}

/** The newest migration of this code. @throws AppError invalid_configuration when the database is ahead of it. */
export async function requireNotAhead(database: Queryable): Promise<string> {
  const { expected, unknown } = await compareMigrations(database, MIGRATIONS);
  refuseAhead(unknown);
  return expected.at(-1) ?? "";
}

/** Whether there is nothing to run. */
export async function isMigrated(database: Queryable): Promise<boolean> {
  return (await compareMigrations(database, MIGRATIONS)).missing.length === 0;
}

/** @throws AppError invalid_configuration when the database is behind or ahead of this code. */
export async function requireMigrated(database: Queryable): Promise<void> {
  const { expected, missing, unknown } = await compareMigrations(database, MIGRATIONS);
  if (missing.length > 0) {
    const list = missing.join(", ");
    const run = "run npm run migrate with this configuration";
    const todo =
      missing.length < expected.length
        ? run
        : `${run}, or, if that was done, let this user see the tables: ${HOW_SEEN}`;
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
