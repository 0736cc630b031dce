/**
 * An advisory lock that lives as long as its session. The server ends the session soon after the machine or network behind it has disappeared; by
 * default it would notice after two hours, during which nobody else could have the lock. The holder notices a lost server as described in
 * pool.ts.
 */
import type { Queryable } from "./pool.ts";

/** Without a word for `idle`, then `count` questions unanswered, `interval` apart. On a socket of the same machine nothing of it applies. */
const SECONDS = { idle: 5, interval: 2, count: 3 } as const;
/** Until the server ends such a session. */
export const DEAD_AFTER_S = SECONDS.idle + SECONDS.interval * SECONDS.count;

/** Tries once, and never waits. `name` is any text; its 64-bit hash is the key. */
export async function trySessionLock(session: Queryable, name: string): Promise<boolean> {
  const { idle, interval, count } = SECONDS;
  const { rows } = await session.query<{ locked: boolean }>(
    `select set_config('tcp_keepalives_idle', $2, false), set_config('tcp_keepalives_interval', $3, false),
       set_config('tcp_keepalives_count', $4, false), set_config('tcp_user_timeout', $5, false),
       pg_try_advisory_lock(hashtextextended($1, 0)) as locked`,
    [name, ...[idle, interval, count, DEAD_AFTER_S * 1_000].map(String)],
  );
  return rows[0]?.locked === true;
}

export type LockHolder = {
  readonly pid: number;
  /** Where the server does not tell this user, they are not there; nor is the address of a connection by a socket of its own machine. */
  readonly applicationName: string | undefined;
  readonly address: string | undefined;
  readonly since: Date | undefined;
};

/** Undefined when nobody has it any more. */
export async function lockHolder(database: Queryable, name: string): Promise<LockHolder | undefined> {
  const { rows } = await database.query<{
    pid: number;
    name: string | null;
    address: string | null;
    since: Date | null;
  }>(
    `select pid, application_name as name, host(client_addr) as address, backend_start as since
     from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and granted and objsubid = 1
       and pg_locks.database = (select oid from pg_database where datname = current_database())
       and (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`,
    [name],
  );
  const [holder] = rows;
  if (holder === undefined) return undefined;
  const { pid, since } = holder;
  return {
    pid,
    applicationName: holder.name || undefined,
    address: holder.address ?? undefined,
    since: since ?? undefined,
  };
}
