/**
 * Events on their way into the record and out of it: rows of `outbox`, where the transactions that caused them left them; of the append-only
 * `audit_log`, whose arrival numbers are given in commit order, with a cursor for what is published; and of `republish`, the decision services' own
 * log entries.
 */
import { APPROVAL_LOG, type AuditEvent } from "../../../core/messages/audit-event.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { OutboxRow } from "../publish/ports.ts";

const CURSOR = "audit-relay";

export const sealerRows = {
  async waiting(tx: Queryable, limit: number): Promise<readonly OutboxRow[]> {
    const { rows } = await tx.query<OutboxRow>("select id, event::text as event from outbox order by id limit $1", [
      limit,
    ]);
    return rows;
  },

  async last(tx: Queryable): Promise<{ readonly index: string; readonly hash: string } | undefined> {
    const { rows } = await tx.query<{ index: string; hash: string }>(
      `select leaf_index as index, leaf_hash as hash
         from audit_log where log_id = $1 order by leaf_index desc limit 1`,
      [APPROVAL_LOG],
    );
    return rows[0];
  },

  /** NB: events as the elements of one text and not as an array of texts, each quote in which would have to be escaped. */
  async append(tx: Queryable, sealed: readonly AuditEvent[]): Promise<void> {
    await tx.query(
      `insert into audit_log (log_id, leaf_index, event_id, leaf_hash, event)
       select $1, place.leaf_index, place.event_id, place.leaf_hash, place.event
         from rows from (unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::text[]), json_array_elements($5::json))
           as place (leaf_index, event_id, leaf_hash, event)
        order by place.leaf_index`,
      [
        APPROVAL_LOG,
        sealed.map((event) => event.leafindex),
        sealed.map((event) => event.id),
        sealed.map((event) => event.leafhash),
        JSON.stringify(sealed),
      ],
      "seal",
    );
  },

  async remove(tx: Queryable, ids: readonly string[]): Promise<number> {
    const { rowCount } = await tx.query("delete from outbox where id = any ($1::bigint[])", [ids]);
    return rowCount ?? 0;
  },
};

export const relayRows = {
  async sealed(on: Queryable, limit: number): Promise<readonly { readonly arrival: string; readonly event: string }[]> {
    const { rows } = await on.query<{ arrival: string; event: string }>(
      `select arrival, event::text as event
         from audit_log
        where arrival > coalesce((select position from relay_cursors where name = $1), 0)
        order by arrival
        limit $2`,
      [CURSOR, limit],
    );
    return rows;
  },

  async markPublished(on: Queryable, arrival: string): Promise<void> {
    await on.query(
      `insert into relay_cursors (name, position) values ($1, $2)
           on conflict (name) do update set position = greatest(relay_cursors.position, excluded.position)`,
      [CURSOR, arrival],
    );
  },

  async decisions(on: Queryable, limit: number): Promise<readonly OutboxRow[]> {
    const { rows } = await on.query<OutboxRow>("select id, event::text as event from republish order by id limit $1", [
      limit,
    ]);
    return rows;
  },

  async removeDecisions(on: Queryable, ids: readonly string[]): Promise<void> {
    await on.query("delete from republish where id = any ($1::bigint[])", [ids]);
  },

  async oldestSeconds(on: Queryable): Promise<number | undefined> {
    const { rows } = await on.query<{ seconds: number | null }>(
      `select extract(epoch from clock_timestamp() - least(
                (select created_at from outbox order by id limit 1),
                (select sealed_at from audit_log
                  where arrival > coalesce((select position from relay_cursors where name = $1), 0)
                  order by arrival limit 1)))::float8 as seconds`,
      [CURSOR],
    );
    return rows[0]?.seconds ?? undefined;
  },
};
