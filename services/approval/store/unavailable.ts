/**
 * A database that cannot be reached, is restarting or gives up on a statement is `unavailable` to its caller: an edge answers 503 and a consumer
 * tries again. Every other error of Postgres is a fault of ours and passes unchanged. NB: if the connection is lost during COMMIT, the work may
 * have been done.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { sqlState } from "../../../platform/postgres/sql-state.ts";

export function sayingUnavailable(
  database: Pick<Database, "query" | "transaction">,
): Pick<Database, "query" | "transaction"> {
  return {
    query: (text, values, prepared) => database.query<never>(text, values, prepared).catch(rethrow),
    transaction: (name, work) => database.transaction(name, work).catch(rethrow),
  };
}

/** SQLSTATE classes: connection (08), insufficient resources (53), operator intervention (57), lock not available. */
const SQLSTATES = /^(08|53|57|55P03)/;
const SOCKET = new Set(["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ENOENT", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH"]);
/** What pg and pg-pool say without any code. */
const WORDS =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error)/;

function rethrow(error: unknown): never {
  if (isOutage(error)) throw new AppError("unavailable", "the database does not answer", { cause: error });
  throw error;
}

function isOutage(error: unknown): boolean {
  if (typeof error !== "object" || error === null || error instanceof AppError) return false;
  const state = sqlState(error);
  if (state !== undefined) return SQLSTATES.test(state);
  if ("code" in error && typeof error.code === "string" && SOCKET.has(error.code)) return true;
  if ("message" in error && typeof error.message === "string" && WORDS.test(error.message)) return true;
  return "cause" in error && isOutage(error.cause);
}
