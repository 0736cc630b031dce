/**
 * Pages of a list, newest first. A cursor is the last id that was shown, so a page stays where it was while new entries arrive; ids are UUIDs of
 * version 7, in order of creation. Opaque to clients: base64url, not to be made by hand.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import { type Id, type IdKind, isId } from "../../../core/domain/id.ts";
import type { Listed, Page } from "./ports.ts";

const DEFAULT_LIMIT = 50;

type Query = { readonly limit?: string; readonly cursor?: string };

export function readLimit({ limit }: Pick<Query, "limit">): number {
  return limit === undefined ? DEFAULT_LIMIT : Number(limit);
}

/** @throws AppError invalid_argument */
export async function readPage<Kind extends IdKind, Row extends { readonly id: Id<Kind> }, Shown>(
  kind: Kind,
  query: Query,
  list: (page: Page<Kind>) => Promise<Listed<Row>>,
  show: (row: Row) => Shown,
): Promise<{ readonly items: Shown[]; readonly next: string | null }> {
  const { rows, more } = await list({ limit: readLimit(query), before: readCursor(kind, query.cursor) });
  const last = rows.at(-1);
  return {
    items: rows.map(show),
    next: more && last !== undefined ? Buffer.from(last.id, "utf8").toString("base64url") : null,
  };
}

function readCursor<Kind extends IdKind>(kind: Kind, cursor: string | undefined): Id<Kind> | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  if (!isId(kind, text)) throw new AppError("invalid_argument", "/querystring/cursor is not the `next` of a page");
  return text;
}
