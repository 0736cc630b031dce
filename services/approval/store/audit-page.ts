/** One page of `GET /v1/audit`: sealed events and kept decisions in order of arrival. */
import { Type } from "typebox";
import type { Json } from "../../../core/domain/subject.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { AuditEntry } from "../rest/ports.ts";
import { createColumnReader } from "./json-column.ts";
import { pageOf } from "./page.ts";

type EntryRow = {
  readonly arrival: string;
  readonly log_id: string;
  readonly leaf_index: string;
  readonly event: unknown;
};

const readEvent = createColumnReader("event", Type.Unsafe<Json>(Type.Object({})));

/** NB: safe to page because numbers are given in the order of commits (trigger `lock_arrival`). */
export async function readAuditPage(db: Queryable, after: bigint, limit: number): Promise<readonly AuditEntry[]> {
  const { rows } = await pageOf<EntryRow>(db, {
    select: `(select arrival, log_id, leaf_index, event from audit_log where arrival > $1 order by arrival limit $2)
     union all
     (select arrival, log_id, leaf_index, event from decisions where arrival > $1 order by arrival limit $2)`,
    order: "arrival",
    values: [after.toString(), limit + 1],
    limit,
  });
  return rows.map((row) => ({
    arrival: BigInt(row.arrival),
    logId: row.log_id,
    index: BigInt(row.leaf_index),
    event: readEvent(row.event),
  }));
}
