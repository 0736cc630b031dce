/**
 * Idempotency keys: one row per caller and key. The answer is written in the transaction of the call's effect, by the call that holds the key, so
 * at most one of any number of calls with one key has an effect, and its answer is stored exactly if the effect is. Not guaranteed: a call
 * without an effect is not remembered; it may be made again.
 */
import { Type } from "typebox";
import { AppError } from "../../../core/domain/app-error.ts";
import type { Digest } from "../../../core/domain/id.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { HeldKey, KeptAnswer } from "../rest/ports.ts";
import type { HoldOutcome } from "../rest/ports.ts";
import { createColumnReader } from "./json-column.ts";

const answerFromColumn = createColumnReader(
  "idempotency_keys.answer",
  Type.Object(
    { status: Type.Integer(), headers: Type.Record(Type.String(), Type.String()), body: Type.String() },
    { additionalProperties: false },
  ),
);

/**
 * Takes a key that is new, was left by a call that died, or is over; else says who has it. NB: of two calls at the same moment the one that
 * waits for the other sees the row as it was before: `in_use`, whatever became of it meanwhile.
 */
export async function holdKey(db: Queryable, held: HeldKey, fingerprint: Digest): Promise<HoldOutcome> {
  const { caller, key, holder } = held;
  const { rows } = await db.query<{ is_taken: boolean; fingerprint: string; answer: unknown }>(
    `with taken as (
       insert into idempotency_keys as known (caller, key, fingerprint, holder, held_until)
       values ($1, $2, $3, $4, clock_timestamp() + interval '30 seconds')
       on conflict (caller, key) do update
          set fingerprint = excluded.fingerprint, holder = excluded.holder, held_until = excluded.held_until,
              created_at = excluded.created_at, answer = null
        where known.created_at < clock_timestamp() - interval '24 hours'
           or (known.answer is null and known.fingerprint = excluded.fingerprint and known.held_until < clock_timestamp())
       returning fingerprint)
     select true as is_taken, fingerprint, null as answer from taken
     union all
     select false, fingerprint, answer from idempotency_keys
      where caller = $1 and key = $2 and created_at >= clock_timestamp() - interval '24 hours' and not exists (select from taken)`,
    [caller, key, fingerprint, holder],
  );
  const [row] = rows;
  if (row?.is_taken === true) return { kind: "held" };
  if (row !== undefined && row.fingerprint !== fingerprint) return { kind: "reused" };
  // No row: another call made it, or took one that was over, at this moment.
  if (row === undefined || row.answer === null) return { kind: "in_use" };
  return { kind: "answered", answer: answerFromColumn(row.answer) };
}

/** @throws AppError conflict when the key is no longer this call's: it took longer than 30 s, and must not have its effect. */
export async function keepAnswer(db: Queryable, held: HeldKey, answer: KeptAnswer): Promise<void> {
  const { rowCount } = await db.query(
    `update idempotency_keys set answer = $4
      where caller = $1 and key = $2 and holder = $3 and answer is null`,
    [held.caller, held.key, held.holder, JSON.stringify(answer)],
  );
  if (rowCount !== 1) throw new AppError("conflict", "another call holds this idempotency key by now");
}

export async function releaseKey(db: Queryable, held: HeldKey): Promise<void> {
  await db.query("delete from idempotency_keys where caller = $1 and key = $2 and holder = $3 and answer is null", [
    held.caller,
    held.key,
    held.holder,
  ]);
}

export async function forgetKeys(db: Queryable, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys
      where (caller, key) in (select caller, key from idempotency_keys
                               where created_at < statement_timestamp() - interval '24 hours'
                               order by created_at limit $1 for update skip locked)`,
    [limit],
  );
  return rowCount ?? 0;
}
