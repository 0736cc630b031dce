/**
 * Runs the SQL files of a folder that a database has not seen, by node-pg-migrate: in one transaction, under the tool's advisory lock, waiting
 * for whoever has it. The tool is loaded by whoever migrates: a service mostly only verifies.
 *
 * NB: on a client of ours. The tool does not wait for the end of its own, and a server that stops meanwhile would end the process.
 */
import pg from "pg";
import { endClient } from "./end-client.ts";

/** @returns the names of what ran. `schema`: of the table, made when it is not there. */
export async function runMigrations(
  connection: string | pg.ClientConfig,
  { folder, table, schema }: { readonly folder: string; readonly table: string; readonly schema?: string },
): Promise<readonly string[]> {
  const { runner } = await import("node-pg-migrate");
  const client = new pg.Client(connection);
  client.on("error", () => {}); // whatever runs on it rejects
  try {
    await client.connect();
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
