/**
 * Stands in for platform/postgres/pool.ts: crash points around every commit, by the name that the transaction was given, and around every
 * statement that is one of its own (effects.ts). A transaction that changed nothing, such as a sweep that found nothing, is none; one that
 * wrote down a refusal is another than one that did what was asked.
 */
import type { QueryResult, QueryResultRow } from "pg";
import * as real from "../../../platform/postgres/pool.ts";
import type { Database, Queryable, Session } from "../../../platform/postgres/pool.ts";
import { isWriting, statementName } from "./effects.ts";
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
      const name = statementName(text) ?? refuse(`statement: ${text}`);
      reach(`${name} before commit`);
      const result = await inner.query<Row>(text, values, prepared);
      reach(`${name} after commit`);
      return result;
    },
    async transaction(name, work) {
      let point: string | undefined;
      const result = await inner.transaction(name, async (tx) => {
        const seen = seeing(tx);
        const answer = await work(seen);
        if (seen.hasChanged()) point = isRefusal(answer) ? `${name} refused` : name;
        if (point !== undefined) reach(`${point} before commit`);
        return answer;
      });
      if (point !== undefined) reach(`${point} after commit`);
      return result;
    },
  };
}

function isRefusal(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "kind" in answer && answer.kind === "refused";
}

function seeing(tx: Queryable): Queryable & { hasChanged(): boolean } {
  let hasChanged = false;
  return {
    hasChanged: () => hasChanged,
    async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[], prepared?: string) {
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
