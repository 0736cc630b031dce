/**
 * The rows of one kind as the state relay sees them, named by their keys on the topic: `version` is the row's, `published_version` the topic's.
 * Every statement runs on the connection that holds the relay's lock, so a deposed relay cannot mark anything.
 */
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { TransactionName } from "../ports.ts";
import type { KeyVersion } from "../publish/ports.ts";

/** The one that holds the relay's lock. */
export type Session = { transaction<T>(name: TransactionName, work: (tx: Queryable) => Promise<T>): Promise<T> };

/** What differs from kind to kind. NB: `table`, `columns` and `isOver` are SQL, written in this folder. */
type StateTable<Row> = {
  readonly kind: "grant" | "incident";
  readonly table: "grants" | "incidents";
  readonly columns: string;
  /** Condition for rows whose keys may be removed from the topic. */
  readonly isOver: string;
  /** The record of a row. @throws AppError for a row that is none */
  readonly record: (row: Row) => KeyVersion & { readonly wire: object };
};

export function createStateRows<Row extends { readonly id: string }>({
  kind,
  table,
  columns,
  isOver,
  record,
}: StateTable<Row>) {
  const prefix = `${kind}/`;
  const keyOf = ({ id }: { readonly id: string }) => prefix + id;
  const idOf = (key: string) => key.slice(prefix.length);

  return {
    kind,

    /** Every key that was published and not tombstoned, with the version that was published last. */
    async published(on: Queryable): Promise<readonly KeyVersion[]> {
      const { rows } = await on.query<{ id: string; version: number }>(
        `select id, published_version as version from ${table} where published_version > 0 and tombstoned_at is null`,
      );
      return rows.map((row) => ({ key: keyOf(row), version: row.version }));
    },

    /**
     * Rows whose newest version was not published, by id, those after `after`. One that changes after it was tombstoned is not
     * published any more. @throws AppError for a row that is not what it should be
     */
    async unpublished(on: Queryable, after: string | undefined, limit: number) {
      const { rows } = await on.query<Row>(
        `select ${columns}
           from ${table}
          where published_version < version and tombstoned_at is null and ($1::uuid is null or id > $1)
          order by id
          limit $2`,
        [after === undefined ? null : idOf(after), limit],
      );
      return rows.map(record);
    },

    async markPublished(on: Queryable, sent: readonly KeyVersion[]): Promise<void> {
      if (sent.length === 0) return;
      await on.query(
        `update ${table} set published_version = sent.version
           from unnest($1::uuid[], $2::int[]) as sent (id, version)
          where ${table}.id = sent.id and ${table}.published_version < sent.version`,
        [sent.map(({ key }) => idOf(key)), sent.map(({ version }) => version)],
      );
    },

    /** Makes keys of the set unpublished again, so that the next pass publishes them. */
    async markUnpublished(on: Queryable, keys: readonly string[]): Promise<void> {
      if (keys.length === 0) return;
      await on.query(
        `update ${table} set published_version = 0 where id = any ($1::uuid[]) and tombstoned_at is null`,
        [keys.map(idOf)],
      );
    },

    /** Published keys that may be removed. */
    async dueTombstones(on: Queryable, limit: number): Promise<readonly string[]> {
      const { rows } = await on.query<{ id: string }>(
        `select id from ${table}
          where tombstoned_at is null and published_version = version and (${isOver})
          limit $1`,
        [limit],
      );
      return rows.map(keyOf);
    },

    async markTombstoned(on: Queryable, keys: readonly string[]): Promise<void> {
      if (keys.length === 0) return;
      await on.query(`update ${table} set tombstoned_at = clock_timestamp() where id = any ($1::uuid[])`, [
        keys.map(idOf),
      ]);
    },

    /** Those of `keys` that exist and are not tombstoned. */
    async notTombstoned(on: Queryable, keys: readonly string[]): Promise<readonly string[]> {
      if (keys.length === 0) return [];
      const { rows } = await on.query<{ id: string }>(
        `select id from ${table} where id = any ($1::uuid[]) and tombstoned_at is null`,
        [keys.map(idOf)],
      );
      return rows.map(keyOf);
    },
  };
}
