/** Offsets of consumed topics, beside the effects of what was read. A reader that finds the offset moved has lost its partition. */
import { AppError } from "../../../core/domain/app-error.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { StreamPosition } from "../intake/ports.ts";

/** @throws AppError conflict when the stored offset is not `from`: nothing of this transaction may count. */
export async function advanceOffset(db: Queryable, position: StreamPosition): Promise<void> {
  const { rowCount } = await db.query(
    `update offsets set next_offset = $4, updated_at = clock_timestamp()
      where topic = $1 and partition = $2 and next_offset = $3`,
    [position.topic, position.partition, position.from.toString(), position.next.toString()],
  );
  if (rowCount !== 1) throw new AppError("conflict", "the partition is read by somebody else");
}

/** The next offset to read; undefined for a partition that was never read. */
export async function knownOffset(db: Queryable, topic: string, partition: number): Promise<bigint | undefined> {
  const { rows } = await db.query<{ next_offset: string }>(
    "select next_offset from offsets where topic = $1 and partition = $2",
    [topic, partition],
  );
  return rows[0] === undefined ? undefined : BigInt(rows[0].next_offset);
}

/** The next offset to read; stores `initial` for a partition that was never read. */
export async function storedOffset(db: Queryable, topic: string, partition: number, initial: bigint): Promise<bigint> {
  // The update changes nothing: it makes the statement return the existing row, also one that another transaction has just inserted.
  const { rows } = await db.query<{ next_offset: string }>(
    `insert into offsets (topic, partition, next_offset) values ($1, $2, $3)
     on conflict (topic, partition) do update set next_offset = offsets.next_offset
     returning next_offset`,
    [topic, partition, initial.toString()],
  );
  const [row] = rows;
  if (row === undefined) throw new AppError("internal", "a stored offset is gone");
  return BigInt(row.next_offset);
}
