/** Missing entries of the decision logs, with the hashes between which they have to fit when they arrive. */
import type { DecisionLogGap } from "../../../core/domain/decision-log-gap.ts";
import { digest } from "../../../core/domain/id.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";

export async function recordDecisionGap(db: Queryable, logId: string, gap: DecisionLogGap): Promise<void> {
  await db.query(
    `insert into decision_log_gaps (log_id, from_index, before_index, after_hash, next_previous)
     values ($1, $2, $3, $4, $5)
     on conflict (log_id, from_index) do nothing`,
    [logId, gap.from.toString(), gap.before.toString(), gap.after ?? null, gap.next ?? null],
  );
}

type Row = {
  readonly from_index: string;
  readonly before_index: string;
  readonly after_hash: string | null;
  readonly next_previous: string | null;
};

/** Gaps that hold an index between `from` and `before` (exclusive), in order. */
export async function decisionGaps(
  db: Queryable,
  logId: string,
  from: bigint,
  before: bigint,
): Promise<readonly DecisionLogGap[]> {
  const { rows } = await db.query<Row>(
    `select from_index, before_index, after_hash, next_previous
       from decision_log_gaps
      where log_id = $1 and before_index > $2 and from_index < $3
      order by from_index`,
    [logId, from.toString(), before.toString()],
  );
  return rows.map((row) => ({
    from: BigInt(row.from_index),
    before: BigInt(row.before_index),
    after: row.after_hash === null ? undefined : digest(row.after_hash),
    next: row.next_previous === null ? undefined : digest(row.next_previous),
  }));
}

export async function closeDecisionGap(db: Queryable, logId: string, from: bigint): Promise<void> {
  await db.query("delete from decision_log_gaps where log_id = $1 and from_index = $2", [logId, from.toString()]);
}
