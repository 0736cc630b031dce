/**
 * One process's connections to Postgres: a pool for the many short statements, and dedicated sessions for what lives in a session (advisory
 * locks, LISTEN). It settles four things that pg leaves to its user: connection errors have a listener (without one, a restart of Postgres kills
 * the process), statements and lock waits have limits, a silent server (frozen, cut off) is not waited for without end, and a COMMIT that in
 * truth rolled back is an error. Isolation is READ COMMITTED; rules that need more take row locks.
 *
 * NB: a transaction whose COMMIT reply was lost rejects, and may have been committed. Commands are idempotent for that reason.
 */
import pg from "pg";
import type { Log } from "../log/log.ts";
import { createLimit } from "../limit.ts";
import { endClient } from "./end-client.ts";
import { sqlState } from "./sql-state.ts";

export interface Queryable {
  /** `prepared` names a text that never changes and is asked for often: each connection parses it once. */
  query<Row extends pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    prepared?: string,
  ): Promise<pg.QueryResult<Row>>;
}

/** A session of its own, outside the pool. Calls are queued, never interleaved with a transaction on the same session. */
export interface Session extends Queryable, AsyncDisposable {
  /** As `Database.transaction`. */
  transaction<T>(name: string, work: (tx: Queryable) => Promise<T>): Promise<T>;
  onNotification(listener: (channel: string, payload: string | undefined) => void): void;
  /**
   * Aborted when the connection is lost or closed, and when a statement on it was not answered. It may lag behind the server; a query that
   * fails is what proves a loss.
   */
  readonly lost: AbortSignal;
  close(): Promise<void>;
}

export interface Database extends Queryable, AsyncDisposable {
  /**
   * Runs `work` in one transaction on one connection. A throw rolls back and is rethrown. Nothing is retried. `name` says what it does, and is
   * no data from anywhere: it stands in its COMMIT, so a slow one is known in pg_stat_activity and in the server's log.
   */
  transaction<T>(name: string, work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Opens a session of its own; `name` shows in pg_stat_activity. Rejects when Postgres cannot be reached. */
  openSession(name: string): Promise<Session>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** As DATABASE_URL, or pg's own settings (host may be a socket folder). */
  readonly connection: string | pg.ClientConfig;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly maxConnections?: number;
  /** A statement that runs longer is cancelled by the server (57014). One that is not answered `ANSWER_GRACE_MS` later rejects. */
  readonly statementTimeoutMs?: number;
  /** A statement that waits longer for a lock is cancelled (55P03). */
  readonly lockTimeoutMs?: number;
  /** A transaction left open longer loses its connection, so a bug cannot hold a row lock for ever. */
  readonly idleInTransactionTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
}

/** How long a statement's answer may be late after the server has promised to cancel it. Its connection is of no use then. */
const ANSWER_GRACE_MS = 5_000;

/** How long a connection may be silent before it is looked whether its other end is there; ten seconds later it is lost. */
const KEEP_ALIVE_MS = 5_000;

/** Creates the pool; connects when first used. */
export function createDatabase({ log }: { readonly log: Log }, options: DatabaseOptions): Database {
  const { statementTimeoutMs = 10_000 } = options;
  const settings: pg.ClientConfig = {
    ...(typeof options.connection === "string" ? { connectionString: options.connection } : options.connection),
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
    lock_timeout: options.lockTimeoutMs ?? 5_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 15_000,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
  const pool = new pg.Pool({
    ...settings,
    application_name: options.applicationName,
    max: options.maxConnections ?? 10,
    idleTimeoutMillis: 30_000,
  });
  const lostConnection = (error: Error) =>
    log.warn({ event: "postgres_connection_lost", err: error }, "postgres connection lost");
  pool.on("error", lostConnection);
  // NB: pg-pool takes its own listener away while a client is checked out; an error event without a listener ends the process.
  pool.on("connect", (client) => client.on("error", () => {}));

  const sessions = new Set<Session>();
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await Promise.all([...sessions].map((session) => session.close()));
    await pool.end();
  }

  return {
    ...queryableOf(pool),
    async transaction(name, work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        return await inTransaction(queryableOf(client), name, work, (error) => {
          broken = error;
        });
      } finally {
        client.release(broken);
      }
    },
    async openSession(name) {
      const session = await openSession({ ...settings, application_name: `${options.applicationName} ${name}` });
      sessions.add(session);
      session.lost.addEventListener("abort", () => sessions.delete(session), { once: true });
      return session;
    },
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

/** Of a connection that its owner ends. */
export function queryableOf(client: Pick<pg.ClientBase, "query">): Queryable {
  return {
    query: (text, values, prepared) =>
      client.query({
        text,
        ...(values === undefined ? {} : { values: [...values] }),
        ...(prepared === undefined ? {} : { name: prepared }),
      }),
  };
}

/** BEGIN … COMMIT around `work`. `onBroken` hears when even the rollback failed, so that the connection is thrown away. */
async function inTransaction<T>(
  connection: Queryable,
  name: string,
  work: (tx: Queryable) => Promise<T>,
  onBroken: (error: Error) => void,
): Promise<T> {
  await connection.query("begin isolation level read committed").catch((error: unknown) => {
    onBroken(new Error("begin failed", { cause: error }));
    throw error;
  });
  let result: T;
  try {
    result = await work(connection);
  } catch (error) {
    await connection.query("rollback").catch((cause: unknown) => onBroken(new Error("rollback failed", { cause })));
    throw error;
  }
  let command: string;
  try {
    ({ command } = await connection.query(`commit /* ${name} */`));
  } catch (error) {
    onBroken(new Error("commit failed", { cause: error }));
    throw error;
  }
  // Postgres answers COMMIT of a transaction in which a statement failed with ROLLBACK, and no error.
  if (command !== "COMMIT")
    throw new Error(`transaction "${name}" was rolled back: a statement in it failed and the error was swallowed`);
  return result;
}

async function openSession(settings: pg.ClientConfig): Promise<Session> {
  const client = new pg.Client(settings);
  const lost = new AbortController();
  client.on("error", (error) => lost.abort(error));
  client.on("end", () => lost.abort(new Error("postgres session ended")));
  try {
    await client.connect();
  } catch (error) {
    await endClient(client);
    throw error;
  }
  const limit = createLimit();
  let closing: Promise<void> | undefined;
  function giveUp(error: unknown): void {
    lost.abort(error);
    void session.close();
  }
  const raw = queryableOf(client);
  const watched: Queryable = {
    query: (text, values, prepared) =>
      raw.query<never>(text, values, prepared).catch((error: unknown) => {
        // After anything but an answer it is open where the session stands, and whether it has its locks.
        if (sqlState(error) === undefined) giveUp(error);
        throw error;
      }),
  };
  const session: Session = {
    query: (text, values, prepared) => limit.run(() => watched.query<never>(text, values, prepared)),
    transaction: (name, work) => limit.run(() => inTransaction(watched, name, work, giveUp)),
    onNotification(listener) {
      client.on("notification", ({ channel, payload }) => listener(channel, payload));
    },
    lost: lost.signal,
    close() {
      closing ??= endClient(client);
      return closing;
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
  return session;
}
