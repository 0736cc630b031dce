/**
 * Stands in for platform/postgres/pool.ts: crash points around every commit, by what is written (effects.ts). A transaction that changed
 * nothing, such as a sweep that found nothing, is none.
 */
import type { QueryResult, QueryResultRow } from "pg";
import * as real from "../../../platform/postgres/pool.ts";
import type { Database, Queryable, Session } from "../../../platform/postgres/pool.ts";
import { effectOf, isWriting, STATEMENTS, TRANSACTIONS } from "./effects.ts";
import { reach, refuse } from "./reach.ts";

export * from "../../../platform/postgres/pool.ts";

export function createDatabase(...args: Parameters<typeof real.createDatabase>): Database {
  const database = real.createDatabase(...args);
  return {
    ...database,
    ...withPoints(database),
    openSession: async (name) => decorated(await database.openSession(name)),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

function decorated(session: Session): Session {
  return { ...session, ...withPoints(session), [Symbol.asyncDispose]: () => session.close() };
}

export function withPoints(inner: Pick<Session, "query" | "transaction">): Pick<Session, "query" | "transaction"> {
  return {
    async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[], prepared?: string) {
      if (!isWriting(text)) return inner.query<Row>(text, values, prepared);
      const { name } = effectOf(text, STATEMENTS) ?? refuse(`statement: ${text}`);
      reach(`${name} before commit`);
      const result = await inner.query<Row>(text, values, prepared);
      reach(`${name} after commit`);
      return result;
    },
    async transaction(work) {
      let name: string | undefined;
      const result = await inner.transaction(async (tx) => {
        const seen = seeing(tx);
        const answer = await work(seen);
        const statements = seen.statements();
        if (isWriting(statements)) {
          const effect = effectOf(statements, TRANSACTIONS) ?? refuse(`transaction: ${statements}`);
          if (seen.hasChanged()) ({ name } = effect);
        }
        if (name !== undefined) reach(`${name} before commit`);
        return answer;
      });
      if (name !== undefined) reach(`${name} after commit`);
      return result;
    },
  };
}

function seeing(tx: Queryable): Queryable & { statements(): string; hasChanged(): boolean } {
  let statements = "";
  let hasChanged = false;
  return {
    statements: () => statements,
    hasChanged: () => hasChanged,
    async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[], prepared?: string) {
      statements += `${text}\n`;
      const result = await tx.query<Row>(text, values, prepared);
      if (isWriting(text)) hasChanged ||= changed(result);
      return result;
    },
  };
}

/** Of one that ends in a select, it is what it counted. */
function changed({ command, rowCount, rows }: QueryResult): boolean {
  if (command !== "SELECT") return (rowCount ?? 0) > 0;
  return rows.some((row: object) => Object.values(row).some((value) => value !== 0));
}
