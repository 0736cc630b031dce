/** The database that DATABASE_URL names: not ours to start and end, but this set's alone, by an advisory lock that it holds while it runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { databaseProblem } from "../../platform/config/addresses.ts";
import { CannotStart } from "../../platform/lifecycle/cannot-start.ts";
import type { Log } from "../../platform/log/log.ts";
import { withDatabase } from "../../platform/postgres/cannot-reach.ts";
import { createDatabase, type Database, type Session } from "../../platform/postgres/pool.ts";
import { DEAD_AFTER_S, type LockHolder, lockHolder, trySessionLock } from "../../platform/postgres/session-lock.ts";
import { prepareStream } from "./prepare-stream.ts";

interface NamedDatabase extends AsyncDisposable {
  /** Its host. */
  readonly description: string;
  /** Whether it is still this set's: the session that holds the lock is there. */
  isHeld(): boolean;
  /** Waits until the server answers, and takes the lock anew. @throws CannotStart when another set has it. */
  hold(): Promise<void>;
}

const LOCK = "countersign one machine";
const PAUSE_MS = 1_000;
/** How often the lock is tried again: the server may not know yet that our own session is gone. */
const TRIES = DEAD_AFTER_S + 4;

/** @throws CannotStart when it cannot be used, or is used by another set: two that write one decision log would break its chain. */
export async function openNamedDatabase(log: Log, url: string): Promise<NamedDatabase> {
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== "postgres:" && protocol !== "postgresql:") {
    throw new CannotStart(
      "DATABASE_URL: is not an address of PostgreSQL; it has to look like postgresql://USER@HOST/DATABASE",
    );
  }
  const problem = databaseProblem(url);
  if (problem !== undefined) throw new CannotStart(`DATABASE_URL: ${problem}`);
  const host = URL.parse(url)?.host || "a PostgreSQL of your own";
  const taken = async () => {
    const holder = await lockHolder(database, LOCK).catch(() => undefined);
    return new CannotStart(`DATABASE_URL: ${host} is in use by another npm start; ${whatToDo(holder)}`);
  };
  await using owned = new AsyncDisposableStack();
  const database = owned.use(createDatabase({ log }, { connection: url, applicationName: "countersign-start" }));
  const ended = new AbortController();
  owned.defer(() => ended.abort());
  const pause = () => sleep(PAUSE_MS, undefined, { signal: ended.signal });
  let owner = await withDatabase("DATABASE_URL", url, async () => {
    const first = await lockedSession(database);
    if (first === undefined) throw await taken();
    await prepareStream(log, url);
    return first;
  });

  async function answering(): Promise<Session | undefined> {
    for (;;) {
      try {
        return await lockedSession(database);
      } catch {
        await pause(); // the server is gone: every program says so in its log
      }
    }
  }

  const all = owned.move();
  return {
    description: host,
    isHeld: () => !owner.lost.aborted,
    async hold() {
      for (let tries = 1; tries <= TRIES; tries += 1) {
        const again = await answering();
        if (again !== undefined) {
          owner = again;
          return;
        }
        await pause();
      }
      throw await taken();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** One whose machine is gone holds it until the server has noticed, or is told to end it. */
function whatToDo(holder: LockHolder | undefined): string {
  if (holder === undefined)
    return "end that one or choose another database; it has just let go, so starting again may do";
  const { pid, applicationName, address, since } = holder;
  const from = [
    applicationName,
    address === undefined ? undefined : `from ${address}`,
    since && `since ${since.toISOString()}`,
  ];
  const known = from.filter((word) => word !== undefined).join(", ");
  const who = known === "" ? `process ${pid} of the server` : `process ${pid} of the server (${known})`;
  return `end that one, whose connection is ${who}, or choose another database. Where it does not run any more, wait ${DEAD_AFTER_S} seconds, or: select pg_terminate_backend(${pid})`;
}

/** Undefined when somebody else has the lock. Its session is closed with the database. */
async function lockedSession(database: Pick<Database, "openSession">): Promise<Session | undefined> {
  const session = await database.openSession("owner");
  if (await trySessionLock(session, LOCK)) return session;
  await session[Symbol.asyncDispose]();
  return undefined;
}
