/** Records that could not be understood or trusted, stored raw, so that they can be inspected and replayed. */
import { Type } from "typebox";
import { type Id, id } from "../../../core/domain/id.ts";
import { type Instant, instant, rfc3339 } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Quarantined, QuarantinedRecord } from "../intake/ports.ts";
import type { Listed, Page, QuarantineFilter, QuarantineLine } from "../rest/ports.ts";
import { createColumnReader } from "./json-column.ts";
import { pageOf } from "./page.ts";

export async function insertQuarantined(
  db: Queryable,
  quarantineId: Id<"quarantine">,
  record: QuarantinedRecord,
): Promise<void> {
  const headers = [...record.headers].map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
  await db.query(
    `insert into quarantine (id, topic, partition, record_offset, record_key, record_value, headers, reason, detail)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      quarantineId,
      record.topic,
      record.partition,
      record.offset.toString(),
      // NB: a text column refuses U+0000, and a forged key must not block its partition.
      record.key === null ? null : record.key.replaceAll("\0", "\uFFFD"),
      record.value === null ? null : Buffer.from(record.value),
      JSON.stringify(headers),
      record.reason,
      record.detail.replaceAll("\0", "\uFFFD"),
    ],
  );
}

type Row = {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly record_offset: string;
  readonly record_key: string | null;
  readonly headers: unknown;
  readonly reason: string;
  readonly detail: string;
  readonly quarantined_at: Date;
  readonly replayed_at: Date | null;
  readonly dismissed_at: Date | null;
  readonly dismissed_reason: string | null;
  readonly tries: number;
  readonly last_tried_at: Date | null;
  readonly last_reason: string | null;
  readonly last_detail: string | null;
};

const COLUMNS = `id, topic, partition, record_offset, record_key, headers, reason, detail, quarantined_at, replayed_at,
  dismissed_at, dismissed_reason, tries, last_tried_at, last_reason, last_detail`;

const readHeaders = createColumnReader("headers", Type.Array(Type.Tuple([Type.String(), Type.String()])));

export async function findQuarantined(db: Queryable, quarantineId: Id<"quarantine">): Promise<Quarantined | undefined> {
  const { rows } = await db.query<Row & { readonly record_value: Buffer | null }>(
    `select ${COLUMNS}, record_value from quarantine where id = $1`,
    [quarantineId],
  );
  return rows.map((row) => ({ ...stateOf(row), record: { ...recordOf(row), value: row.record_value } }))[0];
}

/** Newest first. */
export async function listQuarantined(
  db: Queryable,
  { state, topic }: QuarantineFilter,
  page: Page<"quarantine">,
): Promise<Listed<QuarantineLine>> {
  const { rows, more } = await pageOf<Row & { readonly bytes: number | null }>(db, {
    select: `select ${COLUMNS}, octet_length(record_value) as bytes
       from quarantine
      where case $1 when 'open' then replayed_at is null and dismissed_at is null
                    when 'taken' then replayed_at is not null
                    when 'dismissed' then dismissed_at is not null
                    else true end and ($2::text is null or topic = $2)
        and ($3::uuid is null or id < $3)`,
    order: "id desc",
    values: [state, topic ?? null, page.before ?? null],
    limit: page.limit,
  });
  const lines = rows.map((row) => ({ ...stateOf(row), record: recordOf(row), bytes: row.bytes ?? undefined }));
  return { rows: lines, more };
}

/** False when it was taken or dismissed before. */
export async function markReplayed(db: Queryable, quarantineId: Id<"quarantine">): Promise<boolean> {
  const { rowCount } = await db.query(
    "update quarantine set replayed_at = clock_timestamp() where id = $1 and replayed_at is null and dismissed_at is null",
    [quarantineId],
  );
  return rowCount === 1;
}

export async function noteTry(
  db: Queryable,
  quarantineId: Id<"quarantine">,
  reason: string,
  detail: string,
): Promise<void> {
  await db.query(
    `update quarantine
        set tries = tries + 1, last_tried_at = clock_timestamp(), last_reason = $2, last_detail = $3
      where id = $1`,
    [quarantineId, reason, detail.replaceAll("\0", "\uFFFD")],
  );
}

/** False when it was taken or dismissed before, or is not there. */
export async function dismissQuarantined(
  db: Queryable,
  quarantineId: Id<"quarantine">,
  reason: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update quarantine set dismissed_at = clock_timestamp(), dismissed_reason = $2
      where id = $1 and replayed_at is null and dismissed_at is null`,
    [quarantineId, reason],
  );
  return rowCount === 1;
}

/** NB: only closed records. Open ones are evidence that nobody has inspected yet. */
export async function forgetQuarantined(db: Queryable, before: Instant, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from quarantine where id in (
       select id from quarantine
        where coalesce(replayed_at, dismissed_at) < $1
        order by coalesce(replayed_at, dismissed_at) limit $2 for update skip locked)`,
    [rfc3339(before), limit],
  );
  return rowCount ?? 0;
}

function stateOf(row: Row): Omit<Quarantined, "record"> {
  const { last_tried_at: at, last_reason: reason, last_detail: detail } = row;
  return {
    id: id("quarantine", row.id),
    quarantinedAt: instant(row.quarantined_at.getTime()),
    replayedAt: row.replayed_at === null ? undefined : instant(row.replayed_at.getTime()),
    dismissed:
      row.dismissed_at === null
        ? undefined
        : { at: instant(row.dismissed_at.getTime()), reason: row.dismissed_reason ?? "" },
    tries: row.tries,
    lastTry: at === null ? undefined : { at: instant(at.getTime()), reason: reason ?? "", detail: detail ?? "" },
  };
}

function recordOf(row: Row): Omit<QuarantinedRecord, "value"> {
  return {
    topic: row.topic,
    partition: row.partition,
    offset: BigInt(row.record_offset),
    key: row.record_key,
    headers: new Map(readHeaders(row.headers).map(([name, text]) => [name, Buffer.from(text, "base64")])),
    reason: row.reason,
    detail: row.detail,
  };
}
