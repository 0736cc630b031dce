/**
 * Finds which SQL files of a folder a database has not seen, and runs them with node-pg-migrate: in one transaction, under the tool's advisory
 * lock, waiting for its holder. Usually there is nothing to run, and then the tool, which takes longer to load than to ask, is not loaded.
 *
 * NB: on a client of ours. The tool does not wait for the end of its own, and a server that stops meanwhile would end the process.
 */
import { readdir } from "node:fs/promises";
import pg from "pg";
import { CannotStart } from "../lifecycle/cannot-start.ts";
import { endClient } from "./end-client.ts";
import { type Queryable, queryableOf } from "./pool.ts";

/**
 * Files of `folder`, named in `table` once they have run. `schema`: of the table, made when it is not there; without it the table stands where the
 * search_path finds it, and is made where it has everything else made. NB: table and schema are SQL.
 */
type Migrations = { readonly folder: string; readonly table: string; readonly schema?: string };

type Seen = {
  /** All files, in order. */
  readonly expected: readonly string[];
  /** Of them, those that have not run. */
  readonly missing: readonly string[];
  /** What has run of which there is no file. */
  readonly unknown: readonly string[];
};

export async function compareMigrations(database: Queryable, { folder, table, schema }: Migrations): Promise<Seen> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql"));
  const expected = files.map((file) => file.slice(0, -".sql".length)).toSorted();
  const applied = await appliedMigrations(database, schema === undefined ? table : `${schema}.${table}`);
  return {
    expected,
    missing: expected.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !expected.includes(name)),
  };
}

/** None in a database that was never migrated. */
async function appliedMigrations(database: Queryable, table: string): Promise<readonly string[]> {
  const { rows: found } = await database.query<{ exists: boolean }>("select to_regclass($1) is not null as exists", [
    table,
  ]);
  if (found[0]?.exists !== true) return [];
  const { rows } = await database.query<{ name: string }>(`select name from ${table} order by name`);
  return rows.map(({ name }) => name);
}

/** @returns the names of what ran. Of a database that has seen what there is no file of the tool is to judge. */
export async function runMigrations(
  connection: string | pg.ClientConfig,
  migrations: Migrations,
): Promise<readonly string[]> {
  const { folder, table, schema } = migrations;
  const client = new pg.Client(connection);
  client.on("error", () => {}); // whatever runs on it rejects
  try {
    await client.connect();
    const { missing, unknown } = await compareMigrations(queryableOf(client), migrations);
    if (missing.length + unknown.length === 0) return [];
    const where = schema ?? (await schemaBySearchPath(queryableOf(client), table));
    const { runner } = await import("node-pg-migrate");
    const ran = await runner({
      dbClient: client,
      dir: folder,
      migrationsTable: table,
      migrationsSchema: where,
      createMigrationsSchema: schema !== undefined,
      direction: "up",
      checkOrder: true,
      singleTransaction: true,
      advisoryLockMode: "wait",
      log: () => {},
    });
    return ran.map(({ name }) => name);
  } finally {
    await endClient(client);
  }
}

/** NB: for the tool it would be `public`, where the search_path may not look. @throws CannotStart when nothing could be made there. */
async function schemaBySearchPath(database: Queryable, table: string): Promise<string> {
  const { rows } = await database.query<{ found: string | null; first: string | null; may_create: boolean | null }>(
    `select (select nspname from pg_namespace where oid = (select relnamespace from pg_class where oid = to_regclass($1)))::text as found,
            current_schema()::text as first, has_schema_privilege(current_schema(), 'create') as may_create`,
    [table],
  );
  const { found = null, first = null, may_create: mayCreate = null } = rows[0] ?? {};
  if (first === null)
    throw new CannotStart(
      "the search_path of this user names no schema that exists and that it may use; create one, or correct search_path",
    );
  if (mayCreate !== true)
    throw new CannotStart(
      `this user may not create anything in schema ${first}, the first one of its search_path; grant it create there, or name its own schema in search_path`,
    );
  return found ?? first;
}
