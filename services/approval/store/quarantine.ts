/** Keeps a record that could not be understood or trusted, raw, so that it can be looked at and replayed. */
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { QuarantinedRecord } from "../ports.ts";

export async function insertQuarantined(db: Queryable, record: QuarantinedRecord): Promise<void> {
  const headers = [...record.headers].map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
  await db.query(
    `insert into quarantine (topic, partition, record_offset, record_key, record_value, headers, reason, detail)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      record.topic,
      record.partition,
      record.offset.toString(),
      // NB: a text column takes no U+0000, and a forged key must not block its partition.
      record.key === null ? null : record.key.replaceAll("\0", "\uFFFD"),
      record.value === null ? null : Buffer.from(record.value),
      JSON.stringify(headers),
      record.reason,
      record.detail.replaceAll("\0", "\uFFFD"),
    ],
  );
}
