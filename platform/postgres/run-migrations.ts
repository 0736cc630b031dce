/**
 * Runs the SQL files of a folder that a database has not seen, by node-pg-migrate: in one transaction, under the tool's advisory lock, waiting
 * for whoever has it. Mostly there is nothing to run, and then the tool, which takes longer to load than to ask, is not loaded.
 *
 * NB: on a client of ours. The tool does not wait for the end of its own, and a server that stops meanwhile would end the process.
 */
import { readdir } from "node:fs/promises";
import pg from "pg";
import { endClient } from "./end-client.ts";

/** @returns the names of what ran. `schema`: of the table, made when it is not there. */
export async function runMigrations(
  connection: string | pg.ClientConfig,
  { folder, table, schema }: { readonly folder: string; readonly table: string; readonly schema?: string },
): Promise<readonly string[]> {
  const client = new pg.Client(connection);
  client.on("error", () => {}); // whatever runs on it rejects
  try {
    await client.connect();
    if (await haveAllRun(client, { folder, table: schema === undefined ? table : `${schema}.${table}` })) return [];
    const { runner } = await import("node-pg-migrate");
    const ran = await runner({
      dbClient: client,
      dir: folder,
      migrationsTable: table,
      ...(schema === undefined ? {} : { migrationsSchema: schema, createMigrationsSchema: true }),
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

/** Whether the database has seen these files and no others; of anything else the tool is to judge. */
async function haveAllRun(
  client: pg.Client,
  { folder, table }: { readonly folder: string; readonly table: string },
): Promise<boolean> {
  const { rows: found } = await client.query<{ exists: boolean }>("select to_regclass($1) is not null as exists", [
    table,
  ]);
  if (found[0]?.exists !== true) return false;
  const { rows } = await client.query<{ name: string }>(`select name from ${table} order by name`);
  const files = (await readdir(folder))
    .filter((file) => file.endsWith(".sql"))
    .map((file) => file.slice(0, -".sql".length));
  return rows.map(({ name }) => name).join() === files.toSorted().join();
}
