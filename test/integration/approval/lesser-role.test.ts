/**
 * The rights of docs/postgres.md on a real server: they are those that the service's statements need, and a user who has them and nothing else runs
 * commands, relays and sweep, and cannot change the record.
 */
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership } from "../../../platform/postgres/leadership.ts";
import { createDatabase, type Database } from "../../../platform/postgres/pool.ts";
import { createWakeup } from "../../../platform/postgres/wakeup.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { exposeBacklog } from "../../../services/approval/main/backlog-gauges.ts";
import { exposeUnpublishedAge } from "../../../services/approval/main/unpublished-age.ts";
import { createAuditRelay } from "../../../services/approval/publish/audit-relay.ts";
import { createSealer } from "../../../services/approval/publish/sealer.ts";
import { relayRows, sealerRows } from "../../../services/approval/store/audit-rows.ts";
import { requireMigrated } from "../../../services/approval/store/migrate.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { createMemoryBroker } from "../../harness/memory-stream.ts";
import { account, type Approval, createApproval } from "./approval-fixture.ts";
import { silent as log } from "./migrated-database.ts";
import { claimOf } from "./redeeming.ts";
import { openStateTopic } from "./state-topic.ts";

const ROOT = join(import.meta.dirname, "../../..");
const STORE = join(ROOT, "services/approval/store");
const PAGE = join(ROOT, "docs/postgres.md");
const role = `lesser_${randomUUID().replaceAll("-", "")}`;

let owner: Database;
let approval: Approval;
/** As that user. */
let database: Database;

beforeAll(async () => {
  const password = randomUUID();
  let own = "";
  approval = await createApproval(undefined, {
    connection(address) {
      own = address;
      const { host, port, database: name = "" } = new pg.Client(address);
      const query = new URLSearchParams({ host, port: String(port) }).toString();
      return `postgres://${role}:${password}@/${name}?${query}`;
    },
  });
  ({ database } = approval);
  owner = createDatabase({ log }, { connection: own, applicationName: "owner" });
  await owner.query(`create role ${role} login password '${password}'`);
  for (const statement of await grants()) await owner.query(statement);
}, 60_000);

afterAll(async () => {
  await owner.query(`drop owned by ${role}`);
  await owner.query(`drop role ${role}`);
  await owner.close();
  await approval.close();
});

/** Of the page, for this role, and in the schema where tests have their tables. */
async function grants(): Promise<readonly string[]> {
  const [, block = ""] = /```sql\n(.*?)```/s.exec(await readFile(PAGE, "utf8")) ?? [];
  const statements = block
    .split("\n")
    .filter((line) => !line.startsWith("--"))
    .join("\n")
    .split(";")
    .map((one) =>
      one.trim().replace("to countersign_approval", `to ${role}`).replace("schema countersign", "schema public"),
    )
    .filter((one) => one !== "");
  expect(statements.length).toBeGreaterThan(5);
  return statements;
}

/** `table right` for each right that a statement of the store needs beside reading. */
async function needed(): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const file of (await readdir(STORE)).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))) {
    const text = await readFile(join(STORE, file), "utf8");
    for (const [, table] of text.matchAll(/\binsert into ([a-z_]+)/g)) found.add(`${table} insert`);
    for (const [, table] of text.matchAll(/\bdelete from ([a-z_]+)/g)) found.add(`${table} delete`);
    for (const [, table] of text.matchAll(/(?<!do |for |no key )\bupdate ([a-z_]+)\s+set\b/g))
      found.add(`${table} update`);
    for (const [, table] of text.matchAll(/\binsert into ([a-z_]+)(?:(?!insert into)[^`])*on conflict[^`]*?do update/g))
      found.add(`${table} update`);
    for (const [, table] of text.matchAll(/\bfrom ([a-z_]+)(?:(?! from )[^`"])*\bfor (?:no key )?update\b/g))
      found.add(`${table} update`);
  }
  // By state-rows.ts, which is told the table.
  for (const table of ["grants", "incidents"]) found.add(`${table} update`);
  return found;
}

test("the page grants what the statements of the store need, and nothing else", async () => {
  const { rows } = await owner.query<{ table_name: string; privilege_type: string }>(
    "select table_name, privilege_type from information_schema.role_table_grants where grantee = $1",
    [role],
  );
  const granted = rows.map((one) => `${one.table_name} ${one.privilege_type.toLowerCase()}`);
  const written = granted.filter((right) => !right.endsWith(" select")).toSorted();
  expect(written).toEqual([...(await needed())].toSorted());
  const { rows: tables } = await owner.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  );
  expect(granted.filter((right) => right.endsWith(" select")).toSorted()).toEqual(
    tables.map(({ name }) => `${name} select`).toSorted(),
  );
});

test("such a user finds the database migrated, and runs a request to its use, the sweep and the metrics", async () => {
  await requireMigrated(database);
  expect((await database.query<{ who: string }>("select current_user as who")).rows).toEqual([{ who: role }]);
  const request = await approval.ask();
  expect(await approval.approveBy(request, account("max", ["managers"]))).toMatchObject({ kind: "reviewed" });
  const grant = await approval.grant();
  const used = await approval.commands.redeem(claimOf(grant));
  expect(used).toMatchObject({ kind: "redeemed" });
  expect(await createSweep({ store: approval.store }, { keepDays: 1 })()).toMatchObject({
    faults: [],
  });
  const metrics = createMetrics({ prefix: "t_" });
  exposeBacklog({ database, metrics });
  exposeUnpublishedAge({ database, rows: relayRows, metrics, monotonicMs: () => 0 });
  const { text } = await metrics.expose();
  expect(text).toMatch(/^t_backlog_rows\{queue="outbox"\} [1-9]/m);
  expect(Number(/^t_audit_oldest_unpublished_seconds (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
});

test("its locks, its LISTEN and its relays work: what was done is sealed, published and on the state topic", async () => {
  const broker = createMemoryBroker();
  await using stream = broker.createStream();
  await using outbox = createWakeup({ database, log }, { channel: "countersign_outbox", pollMs: 600_000 });
  await using audit = createWakeup({ database, log }, { channel: "countersign_audit", pollMs: 600_000 });
  const lead = (lockName: string) => createLeadership({ database, log }, { lockName });
  const stop = new AbortController();
  const metrics = () => createMetrics({ prefix: "t_" });
  const running = [
    createSealer({ rows: sealerRows, leadership: lead("sealer"), wakeup: outbox, metrics: metrics() }).run(stop.signal),
    createAuditRelay(
      { rows: relayRows, leadership: lead("relay"), wakeup: audit, stream, log, metrics: metrics() },
      { topic: "audit" },
    ).run(stop.signal),
  ];
  const grant = await approval.grant();
  await using state = openStateTopic(database);
  state.startRelay();
  await waitUntil("the grant on the state topic", 30_000, () =>
    state.broker.records("countersign.state.v1").some(({ key }) => key === `grant/${grant.id}`),
  );
  const { id: asked } = await approval.ask(); // by notification alone: nothing is polled for ten minutes
  await waitUntil("its event on the audit topic", 30_000, () =>
    broker.records("audit").some(({ value }) => value?.includes(asked) === true),
  );
  stop.abort();
  await Promise.all(running);
});

test.each([
  "update audit_log set event = '{}'",
  "delete from audit_log",
  "truncate audit_log",
  "alter table audit_log disable trigger all",
  "update reviews set vote = 'approve'",
  "delete from requests",
  "delete from redemptions",
  "update schema_migrations set name = 'x'",
  "drop table denials",
  "create table mine (n int)",
])("it may not: %s", async (statement) => {
  await expect(database.query(statement)).rejects.toMatchObject({ code: "42501" });
});
