/**
 * Databases for tests: one real server per test run (`DATABASE_URL` if set, else the embedded one, started by the first test that asks), and
 * a fresh database per call. A template is prepared once per run (say, by migrations) and cloned, which takes 40–80 ms.
 * Tests that stop or kill a server start their own with `startEmbeddedPostgres`.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { waitUntil } from "../../platform/programs/wait-until.ts";

export interface TestDatabase extends AsyncDisposable {
  /** For createDatabase, pg and node-pg-migrate alike. */
  readonly connectionString: string;
  drop(): Promise<void>;
}

interface Template {
  /** Lower-case identifier; one preparation per name and run. */
  readonly name: string;
  prepare(connectionString: string): Promise<void>;
}

/** `npm test`, above all that it starts; without it the jest process above its workers, which with --runInBand is this one. */
const runPid = Number(process.env["TEST_RUN"] ?? (process.send === undefined ? process.pid : process.ppid));

/** Creates an empty database, or a clone of the template. Drop it in `afterAll`, or leave it to the end of the run. */
export async function createTestDatabase(template?: Template): Promise<TestDatabase> {
  const server = await testServer();
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const source = template === undefined ? "template0" : await preparedTemplate(server, template);
  await execute(server, `create database ${name} template ${source}`);
  const database: TestDatabase = {
    connectionString: forDatabase(server, name),
    drop: () => execute(server, `drop database if exists ${name} with (force)`),
    [Symbol.asyncDispose]: () => database.drop(),
  };
  return database;
}

async function testServer(): Promise<string> {
  const given = process.env["DATABASE_URL"];
  if (given !== undefined && given !== "") return given;
  const folder = join(tmpdir(), `test-postgres-${runPid}`);
  try {
    await mkdir(folder, { mode: 0o711 }); // whoever makes it starts the server
    const guardian = join(import.meta.dirname, "postgres-guardian.ts");
    spawn(process.execPath, [guardian, folder, String(runPid)], { detached: true, stdio: "ignore" }).unref();
  } catch (error) {
    if (!(typeof error === "object" && error !== null && "code" in error && error.code === "EEXIST")) throw error;
  }
  let failure: string | undefined;
  const url = await waitUntil("the embedded Postgres of this test run", 120_000, async () => {
    failure = await textOf(join(folder, "failed"));
    return failure === undefined ? textOf(join(folder, "ready")) : "";
  });
  if (failure !== undefined) throw new Error(failure);
  return url;
}

async function preparedTemplate(server: string, { name, prepare }: Template): Promise<string> {
  const template = `template_${name}_${runPid}`;
  const client = new pg.Client(server);
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [template]);
    const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [template]);
    if (rowCount === 1) return template;
    // Renamed when complete, so that a failed preparation is never cloned.
    await client.query(`drop database if exists ${template}_new with (force)`);
    await client.query(`create database ${template}_new template template0`);
    await prepare(forDatabase(server, `${template}_new`));
    await client.query(`alter database ${template}_new rename to ${template}`);
    return template;
  } finally {
    await client.end();
  }
}

function forDatabase(server: string, database: string): string {
  // Not through URL's setters: "postgresql:///name?host=…" has no host part, which they refuse to keep.
  const [, head = "", tail = ""] = /^([a-z]+:\/\/[^/?]*)\/[^?]*(\?.*)?$/.exec(server) ?? [];
  if (head === "") throw new Error("DATABASE_URL has to look like postgresql://…/database");
  return `${head}/${database}${tail}`;
}

async function execute(server: string, statement: string): Promise<void> {
  const client = new pg.Client(server);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
