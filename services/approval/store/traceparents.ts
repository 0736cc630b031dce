/** The traceparents of the decisions behind denials: what follows from a denial belongs to its trace. */
import type { Queryable } from "../../../platform/postgres/pool.ts";

const DENIALS = {
  denial: "select unnest($1::uuid[])",
  request: "select denial_id from requests where id = any ($1::uuid[])",
  grant: "select denial_id from grants where id = any ($1::uuid[])",
} as const;

/** By denial; of those denials, or of those that these requests or grants come from. Where there was none, nothing. */
export async function traceparentsOf(
  db: Queryable,
  kind: keyof typeof DENIALS,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<{ id: string; traceparent: string }>(
    `select id, traceparent from denials where traceparent is not null and id in (${DENIALS[kind]})`,
    [[...ids]],
  );
  return new Map(rows.map((row) => [row.id, row.traceparent]));
}
