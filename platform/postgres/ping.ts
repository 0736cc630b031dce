/** Whether a database, or one session of it, answers. Rejects when it does not. */
import type { Queryable } from "./pool.ts";

export async function ping(db: Queryable): Promise<void> {
  await db.query("select 1");
}
