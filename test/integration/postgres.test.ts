/** The Postgres plumbing on a real server: pool, transactions, leadership, wake-up and the embedded launcher. */
import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLog } from "../../platform/log/log.ts";
import { createBell } from "../../platform/postgres/bell.ts";
import { startEmbeddedPostgres } from "../../platform/postgres/embedded.ts";
import { createLeadership } from "../../platform/postgres/leadership.ts";
import { createDatabase, type Database } from "../../platform/postgres/pool.ts";
import { createWakeup } from "../../platform/postgres/wakeup.ts";
import { createTestDatabase, type TestDatabase } from "../harness/postgres.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const log = createLog({ name: "test", level: "silent" });

describe("database", () => {
  let scratch: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    scratch = await createTestDatabase();
    database = createDatabase({ log }, { connection: scratch.connectionString, applicationName: "test" });
    await database.query("create table t (id int primary key)");
  });

  afterAll(async () => {
    await database.close();
    await scratch.drop();
  });

  test("a transaction whose work throws leaves nothing behind and rethrows", async () => {
    const fault = new Error("fault");
    const run = database.transaction("test", async (tx) => {
      await tx.query("insert into t values (1)");
      throw fault;
    });
    await expect(run).rejects.toBe(fault);
    expect((await database.query("select id from t where id = 1")).rowCount).toBe(0);
  });

  test("a transaction in which a failed statement was swallowed rejects in place of reporting a commit", async () => {
    const run = database.transaction("swallow", async (tx) => {
      await tx.query("insert into t values (2)");
      await tx.query("select 1 / 0").catch(() => {});
    });
    await expect(run).rejects.toThrow('transaction "swallow" was rolled back');
  });

  test("the server knows a commit by the name of its transaction", async () => {
    await using session = await database.openSession("named");
    await session.transaction("name a commit", (tx) => tx.query("select 1"));
    const { rows } = await database.query<{ query: string }>(
      "select query from pg_stat_activity where application_name like '% named'",
    );
    expect(rows).toEqual([{ query: "commit /* name a commit */" }]);
  });

  test("a connection that the server ends inside a transaction rejects it, and the pool goes on", async () => {
    const run = database.transaction("test", async (tx) => {
      await tx.query("select pg_terminate_backend(pg_backend_pid())");
      await tx.query("insert into t values (3)");
    });
    await expect(run).rejects.toThrow();
    expect((await database.query("select id from t where id = 3")).rowCount).toBe(0);
  });

  test("a statement over its limit is cancelled with 57014", async () => {
    await using hasty = createDatabase(
      { log },
      { connection: scratch.connectionString, applicationName: "hasty", statementTimeoutMs: 50 },
    );
    await expect(hasty.query("select pg_sleep(5)")).rejects.toMatchObject({ code: "57014" });
  });

  test("a session outlives what the server refuses, and keeps what it has locked; one that is ended by the server is lost", async () => {
    await using session = await database.openSession("lock");
    await session.query("select pg_advisory_lock(42)");
    await expect(session.query("select 1 / 0")).rejects.toMatchObject({ code: "22012" });
    await expect(session.transaction("test", (tx) => tx.query("select 1 / 0"))).rejects.toMatchObject({
      code: "22012",
    });
    const refused = new Error("refused by the work itself");
    await expect(session.transaction("test", () => Promise.reject(refused))).rejects.toBe(refused);
    expect(session.lost.aborted).toBe(false);
    expect((await session.query("select pg_advisory_unlock(42) as held")).rows).toEqual([{ held: true }]);
    await expect(session.query("select pg_terminate_backend(pg_backend_pid())")).rejects.toThrow();
    await waitUntil("the session to be lost", 30_000, () => session.lost.aborted);
  });

  test("two candidates never lead at once, and the second takes over when the first one's session is killed", async () => {
    const stop = new AbortController();
    let leaders = 0;
    let mostAtOnce = 0;
    const terms: string[] = [];
    const candidate = (name: string) =>
      createLeadership({ database, log }, { lockName: "chair" }).run(async (lease) => {
        terms.push(name);
        leaders += 1;
        mostAtOnce = Math.max(mostAtOnce, leaders);
        try {
          while (!lease.signal.aborted) await lease.query("select pg_sleep(0.02)");
        } finally {
          leaders -= 1;
        }
      }, stop.signal);
    const running = [candidate("first"), candidate("second")];
    await waitUntil("a leader", 30_000, () => leaders === 1);
    const [former] = terms;
    await database.query(
      "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    await waitUntil("another leader", 30_000, () => terms.length > 1 && leaders === 1);
    stop.abort();
    await Promise.all(running);
    expect(former).toBeDefined();
    expect(mostAtOnce).toBe(1);
  });

  test("a notification wakes the waiting loop long before its poll, also one that came before it waited", async () => {
    await using wakeup = createWakeup({ database, log }, { channel: "bell", pollMs: 30_000 });
    const { signal } = new AbortController();
    await wakeup.next(signal); // listening begins with one wake-up
    const begun = performance.now();
    const woken = wakeup.next(signal);
    await database.query("notify bell");
    await woken;
    await database.query("notify bell");
    await wakeup.next(signal);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  test("a bell rung by many wakes each channel, soon, and a few times at most", async () => {
    await using session = await database.openSession("listener");
    const heard: string[] = [];
    session.onNotification((channel) => heard.push(channel));
    for (const channel of ["grants_bell", "outbox_bell"]) await session.query(`listen ${channel}`);
    const bell = createBell({ database, log }, ["grants_bell", "outbox_bell"]);
    for (let call = 0; call < 500; call += 1) bell.ring();
    await waitUntil("both channels to have rung twice", 30_000, () => heard.length >= 4);
    expect(new Set(heard)).toEqual(new Set(["grants_bell", "outbox_bell"]));
    bell.ring();
    await waitUntil("a later call to ring again", 30_000, () => heard.length === 6);
  });

  test("a bell that cannot ring throws nothing, and rings again when it can", async () => {
    let isDown = true;
    const rung: unknown[] = [];
    const flaky: Pick<Database, "query"> = {
      query: (text, values, prepared) => {
        if (isDown) return Promise.reject(new Error("down"));
        rung.push(values);
        return database.query(text, values, prepared);
      },
    };
    const bell = createBell({ database: flaky, log }, ["grants_bell"]);
    bell.ring();
    await new Promise(setImmediate);
    isDown = false;
    bell.ring();
    await waitUntil("it to ring", 30_000, () => rung.length > 0);
  });

  test("a template is prepared once and each clone is a database of its own", async () => {
    let prepared = 0;
    const template = {
      name: "counted",
      async prepare(connectionString: string) {
        prepared += 1;
        await using fresh = createDatabase({ log }, { connection: connectionString, applicationName: "prepare" });
        await fresh.query("create table marker (n int)");
      },
    };
    const clones = await Promise.all([createTestDatabase(template), createTestDatabase(template)]);
    expect(prepared).toBe(1);
    for (const clone of clones) {
      await using opened = createDatabase({ log }, { connection: clone.connectionString, applicationName: "clone" });
      expect((await opened.query("select n from marker")).rowCount).toBe(0);
      await opened.query("insert into marker values (1)");
    }
    await Promise.all(clones.map((clone) => clone.drop()));
  });
});

describe("embedded Postgres", () => {
  test("a second process is refused while the first lives; after kill -9 the server is adopted with every acknowledged row", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "embedded-"));
    // mkdtemp makes 0700 folders of the caller; the server's user has to pass through.
    await chmod(dataDir, 0o711);
    const program = `
      const { startEmbeddedPostgres } = await import(${JSON.stringify(join(import.meta.dirname, "../../platform/postgres/embedded.ts"))});
      const { createDatabase } = await import(${JSON.stringify(join(import.meta.dirname, "../../platform/postgres/pool.ts"))});
      const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, settings: { fsync: "off" } });
      const database = createDatabase({ log: { warn() {} } }, { connection: server.connectionString(), applicationName: "writer" });
      await database.query("create table kept (id int)");
      await database.query("insert into kept values (1)");
      process.stdout.write("ready");
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await new Promise((resolve) => owner.stdout.once("data", resolve));
      await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow("in use by another process");
      owner.kill("SIGKILL");
      await new Promise((resolve) => owner.once("close", resolve));
      await using server = await startEmbeddedPostgres({ dataDir });
      expect(server.adopted).toBe(true);
      await using database = createDatabase(
        { log },
        { connection: server.connectionString(), applicationName: "reader" },
      );
      expect((await database.query("select id from kept")).rows).toEqual([{ id: 1 }]);
      expect((await database.query("show fsync")).rows).toEqual([{ fsync: "on" }]); // whatever the settings said
    } finally {
      owner.kill("SIGKILL");
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
