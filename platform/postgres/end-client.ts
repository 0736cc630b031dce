/** Ends a connection to Postgres. */
import type pg from "pg";

/** For the server to close the connection after it was asked to; one that is well does at once. */
const CLOSING_MS = 1_000;

/**
 * Says goodbye, and closes the connection when the server does not. NB: pg's own `end` waits for ever for a server that is frozen or cut off, or
 * that has refused the connection and keeps it open. Never rejects.
 */
export async function endClient(client: pg.Client): Promise<void> {
  const late = setTimeout(() => client.connection.stream.destroy(), CLOSING_MS);
  await client.end().catch(() => {});
  clearTimeout(late);
}
