/** Notifications that wait until somebody takes them, as the webhook sees them. */
import type { Queryable } from "../../../platform/postgres/pool.ts";

type Row = {
  readonly id: string;
  readonly kind: string;
  readonly body: string;
  readonly created_at: Date;
  readonly traceparent: string | null;
  readonly now: number;
};

export const dueNotifications = {
  /** NB: `json` keeps the text that was stored, so the body and its signature are the same at every try. */
  async due(on: Queryable, underWay: readonly string[], limit: number) {
    const { rows } = await on.query<Row>(
      `select id, kind, body::text as body, created_at, traceparent, floor(extract(epoch from clock_timestamp()))::float8 as now
         from notifications
        where delivered_at is null and next_attempt_at <= statement_timestamp() and id <> all ($1::uuid[])
        order by next_attempt_at
        limit $2`,
      [underWay, limit],
    );
    return rows.map(({ created_at: createdAt, traceparent, ...row }) => ({
      ...row,
      createdAt,
      traceparent: traceparent ?? undefined,
    }));
  },

  async markDelivered(on: Queryable, id: string): Promise<void> {
    await on.query(
      `update notifications set delivered_at = clock_timestamp(), attempts = attempts + 1, last_error = null
        where id = $1`,
      [id],
    );
  },

  async tryAgain(
    on: Queryable,
    id: string,
    why: string,
    { firstSeconds, mostSeconds }: { readonly firstSeconds: number; readonly mostSeconds: number },
  ): Promise<void> {
    await on.query(
      `update notifications
          set attempts = attempts + 1, last_error = $2,
              next_attempt_at = clock_timestamp()
                + least($3::float8 * power(2, least(attempts, 30)), $4::float8) * interval '1 second'
        where id = $1`,
      [id, why, firstSeconds, mostSeconds],
    );
  },
};
