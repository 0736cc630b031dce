/** `npm start` on a database that DATABASE_URL names: what a person reads when it cannot be used, and that two sets never share one. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createLog } from "../../platform/log/log.ts";
import { connectionString, type EmbeddedPostgres, startEmbeddedPostgres } from "../../platform/postgres/embedded.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { lockDataFolder, openDataFolder } from "../../sample/one-machine/data-folder.ts";
import { databaseUrls, openSetDatabase } from "../../sample/one-machine/database.ts";
import { freePort } from "../harness/free-port.ts";
import { startAsPerson } from "../harness/npm-start.ts";
import { createTestDatabase } from "../harness/postgres.ts";
import { startSilentServer } from "../harness/silent-server.ts";

const log = createLog({ name: "test", level: "silent" });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-start-"));
  await chmod(folder, 0o711); // PostgreSQL is not root
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function refusal(databaseUrl: string): Promise<string> {
  const set = startAsPerson({
    cwd: folder,
    env: { COUNTERSIGN_DATA: join(folder, "data"), DATABASE_URL: databaseUrl },
  });
  expect(await set.ended).toBe(1);
  const [, ...said] = set.said().trimEnd().split("\n");
  expect(said).toHaveLength(1);
  return said.join();
}

test.each(["garbage", "mysql://u:CANARY0hunter2@127.0.0.1/x"])(
  "%s is no address of PostgreSQL, and the one line that says so repeats nothing of it",
  async (url) => {
    expect(await refusal(url)).toMatch(/^DATABASE_URL: is not an address of PostgreSQL; it has to look like \S+$/);
  },
);

test("a database beyond loopback is not spoken to in plain text unless that is said", async () => {
  expect(await refusal("postgresql://u:CANARY0hunter2@db.example/x")).toMatch(
    /^DATABASE_URL: is beyond loopback and without sslmode, .*; add \?sslmode=verify-full&sslrootcert=FILE, or \?sslmode=disable /,
  );
});

test("a server that is not there is named with what to do, without its password", async () => {
  const port = await freePort();
  expect(await refusal(`postgresql://u:CANARY0hunter2@127.0.0.1:${port}/x`)).toBe(
    `DATABASE_URL: 127.0.0.1:${port} does not answer (connection refused); start it, or correct the address`,
  );
});

test("a server that takes the connection and says nothing is given up, rather than waited for without end", async () => {
  await using server = await startSilentServer();
  expect(await refusal(`postgresql://u@127.0.0.1:${server.port}/x`)).toMatch(/ does not answer in time; start it/);
});

test("a folder that a set has is refused to another one, whatever its database, before anything there is touched", async () => {
  const data = join(folder, "held");
  const { path } = await openDataFolder(data);
  await using _held = await lockDataFolder(path);
  const set = startAsPerson({
    cwd: folder,
    env: { COUNTERSIGN_DATA: data, DATABASE_URL: "postgresql://u@127.0.0.1:1/x" },
  });
  expect(await set.ended).toBe(1);
  expect(set.said()).toMatch(
    /held is in use by another process \(\d+\); stop it, or choose another folder \(COUNTERSIGN_DATA\)\n$/,
  );
  expect(await readdir(data)).toEqual(["keys"]);
});

test("a second set on the same database is refused while the first one has it, and not afterwards", async () => {
  await using scratch = await createTestDatabase();
  const open = () => openSetDatabase({ log }, { folder, url: scratch.connectionString });
  await using first = await open();
  const refused = String(await open().then(String, (error: unknown) => error));
  expect(refused).toContain("is in use by another npm start; end that one, whose connection is process ");
  expect(refused).toMatch(/\(countersign-start owner, (from \S+, )?since 20\S+Z\)/);
  const [, end = "", pid] = /(select pg_terminate_backend\((\d+)\))$/.exec(refused) ?? [];
  expect(refused).toContain(`process ${pid} of the server`);
  await using database = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
  await database.query(end);
  await waitUntil("the first set to see that it has lost it", 30_000, () => !first.isRunning());
  await using second = await open();
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await using again = await open();
  expect(again.pid).toBeUndefined();
}, 60_000);

test("the server asks within seconds whether a silent set is there, so that one whose machine is gone does not keep the next one out", async () => {
  // A loopback address of its own: the port is the usual one.
  const host = `127.77.${process.pid % 250}.${1 + (Date.now() % 250)}`;
  await using server = await startEmbeddedPostgres({
    dataDir: join(folder, "by-tcp"),
    settings: { listen_addresses: host },
  });
  const { port } = server.connection;
  await using _set = await openSetDatabase({ log }, { folder, url: `postgresql://postgres@${host}:${port}/postgres` });
  await using database = createDatabase({ log }, { connection: server.connection, applicationName: "test" });
  const { rows } = await database.query<{ client_port: number }>(
    "select client_port from pg_stat_activity where application_name = 'countersign-start owner'",
  );
  const hex = (one: number) => one.toString(16).toUpperCase().padStart(4, "0");
  const timers = async () => {
    const sockets = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
    return sockets.flatMap(([, local, remote, , , timer = ""]) =>
      local?.endsWith(`:${hex(port)}`) && remote?.endsWith(`:${hex(rows[0]?.client_port ?? 0)}`) ? [timer] : [],
    );
  };
  const [KEEP_ALIVE, SECOND] = ["02", 100];
  await waitUntil("the server's side to be silent", 10_000, async () => (await timers())[0]?.startsWith(KEEP_ALIVE));
  const [, ticks] = ((await timers())[0] ?? "").split(":");
  expect(Number.parseInt(ticks ?? "", 16)).toBeLessThanOrEqual(5 * SECOND);
}, 60_000);

test("when the database that is not ours was restarted, it is this set's again before anybody else's, and lost to a set that was quicker", async () => {
  const dataDir = join(folder, "not-ours");
  const url = ({ connection }: EmbeddedPostgres) => connectionString(connection);
  let server = await startEmbeddedPostgres({ dataDir });
  try {
    await using first = await openSetDatabase({ log }, { folder, url: url(server) });
    await server.stop();
    await waitUntil("the set to see that its session is gone", 30_000, () => !first.isRunning());
    const again = first.start(); // waits for it
    server = await startEmbeddedPostgres({ dataDir });
    await again;
    expect(first.isRunning()).toBe(true);
    await expect(openSetDatabase({ log }, { folder, url: url(server) })).rejects.toThrow("in use by another npm start");

    await server.stop();
    await waitUntil("the set to see that its session is gone", 30_000, () => !first.isRunning());
    server = await startEmbeddedPostgres({ dataDir });
    await using _second = await openSetDatabase({ log }, { folder, url: url(server) });
    await expect(first.start()).rejects.toThrow("is in use by another npm start");
    expect(first.isRunning()).toBe(false);
  } finally {
    await server.stop();
  }
}, 120_000);

test("the database is where it was, whatever became of the path of the data folder, or the start says where it was sought", async () => {
  const data = join(folder, "moved-here");
  const elsewhere = join(folder, "elsewhere");
  for (const place of [data, elsewhere]) await mkdir(place, { mode: 0o711 });
  await writeFile(join(data, "postgres-location"), `${elsewhere}\n`);
  const { url } = await databaseUrls({ folder: data, url: undefined });
  expect(decodeURIComponent(url)).toContain(`${elsewhere}/`);
  await rm(elsewhere, { recursive: true });
  await expect(databaseUrls({ folder: data, url: undefined })).rejects.toThrow(
    `${data}/postgres-location says that the database is at ${elsewhere}, where none is`,
  );
  await mkdir(join(data, "postgres/cluster"), { recursive: true }); // moved or copied along with the data folder
  await mkdir(elsewhere, { mode: 0o711 });
  const along = await databaseUrls({ folder: data, url: undefined });
  expect(decodeURIComponent(along.url)).toContain(`${data}/postgres/`);
});
