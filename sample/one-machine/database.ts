/**
 * The database of the one-machine set: PostgreSQL of our own, or the one that DATABASE_URL names. Holds the approvals and, in
 * a schema of its own, the event stream; the decision service connects as a role that reaches the stream and nothing else.
 */
import { createHash } from "node:crypto";
import { chown, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CannotStart } from "../../platform/lifecycle/cannot-start.ts";
import type { Log } from "../../platform/log/log.ts";
import {
  connectionString,
  type EmbeddedPostgres,
  embeddedAddress,
  startEmbeddedPostgres,
} from "../../platform/postgres/embedded.ts";
import { isEnterable, runUser } from "../../platform/postgres/embedded-folders.ts";
import { openNamedDatabase } from "./named-database.ts";
import { prepareStream } from "./prepare-stream.ts";

const DECISION_ROLE = "countersign_decision";
/** In the data folder: where the database is. */
const LOCATION = "postgres-location";

export interface DatabaseUrls {
  /** For the approval service: everything. */
  readonly url: string;
  /** For the decision service: the stream. */
  readonly decisionUrl: string;
}

export interface SetDatabase extends DatabaseUrls, AsyncDisposable {
  /** Whether a server of our own runs; of one that is not ours, whether the session by which it is this set's is there. */
  isRunning(): boolean;
  /** For people: where it says why it ended. */
  tail(): Promise<string>;
  /** For people: where it is, and whether it was running already. */
  readonly description: string;
  /** Of a server of our own: where its files and its log are. */
  readonly folder: string | undefined;
  /** Of a server of our own, while it runs. */
  readonly pid: number | undefined;
  /** SIGKILL: what an outage is made with. @throws without a server of our own. */
  kill(): Promise<void>;
  /** On the same data at the same address; waits for one that is not ours, until it is this set's again. */
  start(): Promise<void>;
}

/** Starts or adopts the server of `folder`, or gives that up by `signal`; with `url` uses that one, and the decision service its user as well. */
export async function openSetDatabase(
  { log }: { readonly log: Log },
  {
    folder,
    url,
    signal,
  }: { readonly folder: string; readonly url: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<SetDatabase> {
  if (url !== undefined) return namedSetDatabase(log, url);
  const dataDir = await postgresFolder(folder);
  let server: EmbeddedPostgres | undefined = await naming(
    folder,
    startEmbeddedPostgres({ dataDir, leash: true, signal }),
  );
  const { adopted } = server;
  const { url: own, decisionUrl } = urlsOf(server.connection);
  const ended = new AbortController();
  let starting: Promise<EmbeddedPostgres> | undefined;
  const stop = async () => {
    const running = server;
    server = undefined;
    await running?.stop();
  };
  try {
    await prepareStream(log, own, DECISION_ROLE);
    if ((await locationIn(folder)) !== dataDir)
      await writeFile(join(folder, LOCATION), `${dataDir}\n`, { flush: true });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: own,
    decisionUrl,
    description: `${dataDir}${adopted ? " (was running)" : ""}`,
    folder: dataDir,
    get pid() {
      return server?.pid;
    },
    async kill() {
      if (server !== undefined) process.kill(server.pid, "SIGKILL");
      await stop();
    },
    isRunning: () => server !== undefined && !server.lost.aborted,
    tail: async () => `ended; see ${join(dataDir, "postgres.log")}`,
    async start() {
      if (server?.lost.aborted) await stop();
      if (server !== undefined || ended.signal.aborted) return;
      starting = startEmbeddedPostgres({ dataDir, leash: true, signal: ended.signal });
      server = await starting;
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await starting?.catch(() => {}); // one that came up all the same is ended with the rest
      await stop();
    },
  };
}

async function namedSetDatabase(log: Log, url: string): Promise<SetDatabase> {
  const named = await openNamedDatabase(log, url);
  return {
    url,
    decisionUrl: url,
    description: named.description,
    folder: undefined,
    pid: undefined,
    isRunning: () => named.isHeld(),
    tail: async () => `no connection to ${named.description}; waiting for it`,
    kill: () => Promise.reject(new Error("the database of DATABASE_URL is not ours to end")),
    start: () => named.hold(),
    [Symbol.asyncDispose]: () => named[Symbol.asyncDispose](),
  };
}

/** What services are to be told before the database is there. */
export async function databaseUrls({
  folder,
  url,
}: {
  readonly folder: string;
  readonly url: string | undefined;
}): Promise<DatabaseUrls> {
  if (url !== undefined) return { url, decisionUrl: url };
  return urlsOf(await naming(folder, embeddedAddress(await postgresFolder(folder))));
}

function urlsOf(connection: EmbeddedPostgres["connection"]): DatabaseUrls {
  return {
    url: connectionString(connection),
    decisionUrl: connectionString({ ...connection, user: DECISION_ROLE }),
  };
}

/** An error says whose database it is about. */
async function naming<T>(folder: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the database of ${folder} (COUNTERSIGN_DATA): ${why}`, { cause: error });
  });
}

/**
 * In the data folder; but as root, and below a folder that only root may enter, in one of its own outside: PostgreSQL refuses
 * root and runs as `nobody`, who could not get there. Where it once was it stays, whatever became of the path and the modes of folders.
 */
async function postgresFolder(folder: string): Promise<string> {
  const near = join(resolve(folder), "postgres");
  const last = await locationIn(folder);
  const isNear = await isFolder(join(near, "cluster"));
  const user = runUser();
  const isPassable = await isEnterable(resolve(folder), user);
  // NB: one that came along in a copy of the folder goes before the one that was copied.
  if (isNear && isPassable) return near;
  if (last !== undefined && (await isFolder(last))) return last;
  if (last !== undefined && !isNear) {
    throw new CannotStart(
      `${join(folder, LOCATION)} says that the database is at ${last}, where none is; put it back there, or remove that file and begin with an empty one`,
    );
  }
  if (isPassable) return near;
  if (isNear)
    throw new CannotStart(
      `PostgreSQL, which does not run as root, cannot reach the database at ${near} any more: let everybody pass through the folders above it (chmod o+x)`,
    );
  const hash = createHash("sha256").update(near).digest("hex").slice(0, 16);
  const outside = join("/var/lib", `countersign-${hash}`);
  await mkdir(outside, { recursive: true, mode: 0o700 });
  if (user.uid !== undefined) await chown(outside, user.uid, user.gid);
  return outside;
}

/** Where the last start had the database; undefined when none has said it to the end. */
async function locationIn(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, LOCATION), "utf8").catch(() => "");
  return text.trim() || undefined;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
