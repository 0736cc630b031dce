/**
 * The database clock, which rules grants and requests (rule 8). Statements decide by `clock_timestamp()`, so that waiting for a lock counts; to
 * find rows by their time they use `statement_timestamp()`, because only that can use an index.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { type Instant, instant } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

/** Whole milliseconds, floored. A statement of its own, so that it is read after whatever locks were waited for. */
export async function databaseNow(db: Queryable): Promise<Instant> {
  const { rows } = await db.query<{ now: Date }>("select clock_timestamp() as now");
  const [row] = rows;
  if (row === undefined) throw new AppError("internal", "the database has no time");
  return instant(row.now.getTime());
}
