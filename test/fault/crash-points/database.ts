/** Stands in for platform/postgres/pool.ts: crash points around every commit and around the statements that mark something as done. */
import type { QueryResultRow } from "pg";
import * as real from "../../../platform/postgres/pool.ts";
import type { Database, Queryable, Session } from "../../../platform/postgres/pool.ts";
import { reach } from "./reach.ts";

export * from "../../../platform/postgres/pool.ts";

type Effect = { readonly name: string; readonly is: (text: string) => boolean };
const writes = (text: string) => (statement: string) => statement.includes(text);

/** What a transaction does, by its statements; the first that fits names it. */
const TRANSACTIONS: readonly Effect[] = [
  { name: "quarantine", is: writes("insert into quarantine") },
  { name: "denial", is: writes("insert into denials") },
  { name: "decisions", is: writes("insert into republish") },
  { name: "submit", is: writes("insert into requests") },
  { name: "review", is: writes("insert into reviews") },
  { name: "seal", is: writes("insert into audit_log") },
  { name: "sweep", is: (all) => all.includes("skip locked") && all.includes("update grants set state") },
  { name: "revoke", is: writes("update grants set state") },
  { name: "offset", is: writes("update offsets") },
];

/** Statements that are a transaction of their own. */
const STATEMENTS: readonly Effect[] = [
  { name: "redemption", is: writes("insert into redemptions") },
  { name: "grants mark", is: writes("set published_version = sent.version") },
  { name: "audit mark", is: writes("insert into relay_cursors") },
  { name: "decisions mark", is: writes("delete from republish") },
  { name: "webhook mark", is: writes("set delivered_at = clock_timestamp()") },
];

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

function withPoints(inner: Pick<Session, "query" | "transaction">): Pick<Session, "query" | "transaction"> {
  return {
    async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]) {
      const effect = STATEMENTS.find(({ is }) => is(text));
      if (effect !== undefined) reach(`${effect.name} before commit`);
      const result = await inner.query<Row>(text, values);
      if (effect !== undefined) reach(`${effect.name} after commit`);
      return result;
    },
    async transaction(name, work) {
      let statements = "";
      const result = await inner.transaction(name, async (tx) => {
        const answer = await work(seeing(tx, (text) => (statements += `${text}\n`)));
        const point = nameOf(statements);
        if (point !== undefined) reach(`${point} before commit`);
        return answer;
      });
      const point = nameOf(statements);
      if (point !== undefined) reach(`${point} after commit`);
      return result;
    },
  };
}

function nameOf(statements: string): string | undefined {
  return TRANSACTIONS.find(({ is }) => is(statements))?.name;
}

function seeing(tx: Queryable, see: (text: string) => void): Queryable {
  return {
    query(text, values) {
      see(text);
      return tx.query(text, values);
    },
  };
}
