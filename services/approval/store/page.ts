/**
 * Rows of a list up to the requested number, or up to a total size. The database measures them, so that nothing is transferred that will not be
 * shown: the process that renders a page in one turn of the event loop also redeems.
 */
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Listed } from "../rest/ports.ts";

/** Of the rows of a page, as text: about what takes 10 ms to read, check and show. A row that is larger by itself is a page by itself. */
const MAX_PAGE_BYTES = 1_000_000;

type Query = {
  /** Without its order and limit. */
  readonly select: string;
  /** By one column whose values are unique. */
  readonly order: string;
  /** The columns read of the selected rows; all of them by default. */
  readonly columns?: string;
  readonly values: readonly unknown[];
  readonly limit: number;
};

export async function pageOf<Row extends object>(
  db: Queryable,
  { select, order, columns = "weighed.*", values, limit }: Query,
): Promise<Listed<Row>> {
  const [most, bytes] = [`$${values.length + 1}::int`, `$${values.length + 2}::bigint`];
  const { rows } = await db.query<Row & { readonly found: number }>(
    `select ${columns}, found from (
       select one.*, row_number() over listed as nth, sum(octet_length(one::text)) over listed as weight,
              (count(*) over ())::int as found
         from (${select} order by ${order} limit ${most} + 1) as one
       window listed as (order by ${order})
     ) as weighed
      where nth = 1 or (nth <= ${most} and weight <= ${bytes})
      order by ${order}`,
    [...values, limit, MAX_PAGE_BYTES],
  );
  return { rows, more: (rows[0]?.found ?? 0) > rows.length };
}
