/**
 * Three workers lose their stream, the process that watches them is killed, and one process starts in their place: every decision that was
 * answered reaches the stream, once, in a log without a gap, also those of workers that are no more. The stream is in a real PostgreSQL.
 */
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { topicSpecs } from "../../../core/messages/topic-setup.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createPostgresTopics, migratePostgresStream } from "../../../platform/stream/postgres-topics.ts";
import { decisionsOn, wholeLogs } from "../../harness/decision-logs.ts";
import { freePort } from "../../harness/free-port.ts";
import { type SystemDatabase, startDatabase } from "../../harness/system/database.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { type KeyPairFiles, makeKeyPair } from "../../harness/system/key-pair.ts";
import { createEnforcer } from "./ask-check.ts";
import { DEPLOYMENT, startLoneDecision, token } from "./lone-decision.ts";
import { pidOfWorker } from "./workers-behind-envoy.ts";

const COUNT = 3;
const DRAIN_MS = 1_000;
const log = createLog({ name: "test", level: "silent" });
const owned = new AsyncDisposableStack();
const ports: number[] = [];
const enforcers: ReturnType<typeof createEnforcer>[] = [];
let folder: string;
let database: SystemDatabase;
let decision: Decision;
let signing: KeyPairFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fewer-workers-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  database = owned.use(await startDatabase());
  await migratePostgresStream(database.connectionString);
  await using owner = createDatabase({ log }, { connection: database.connectionString, applicationName: "test" });
  await createPostgresTopics(owner, topicSpecs({ partitions: 1, replicas: 1 }));
  const opsPorts: number[] = [];
  for (let worker = 0; worker < COUNT; worker += 1) {
    ports.push(await freePort());
    opsPorts.push(await freePort());
  }
  signing = await makeKeyPair(folder, "signing");
  const further = { workers: COUNT, workerPorts: ports, workerOpsPorts: opsPorts, drainMs: DRAIN_MS };
  decision = owned.use(await startLoneDecision({ ...terms(), further }));
  for (const [at, port] of ports.entries()) {
    const enforcer = createEnforcer(port);
    enforcers.push(enforcer);
    owned.defer(() => enforcer.close());
    await waitUntil(`worker ${at + 1} to answer`, 30_000, async () => (await enforcer.outcome(token())) === "allow");
  }
});
afterAll(() => owned.disposeAsync());

/** The same service each time: its name, its folders and its key. */
const terms = () => ({ folder, name: "decision", streamUrl: database.connectionString, signing });

/** Of so many calls to each worker. */
const decidedByAll = async (calls: number) =>
  (await Promise.all(enforcers.flatMap(({ allowed }) => Array.from({ length: calls }, () => allowed(token()))))).flat();

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

test("what workers answered whose stream was gone, and who then were killed, is on the stream once one process starts in their place", async () => {
  const answered = await decidedByAll(20);
  await database.kill();
  answered.push(...(await decidedByAll(40)));
  const [first, killed, drains] = [
    await pidOfWorker(decision, 1),
    await pidOfWorker(decision, 2),
    await pidOfWorker(decision, 3),
  ];
  // So that it neither ends its log nor ships it: the watcher is gone before the worker could know.
  process.kill(killed, "SIGSTOP");
  await decision.kill();
  process.kill(killed, "SIGKILL");
  await waitUntil("the other two to have ended without a stream", 30_000, () => !isAlive(first) && !isAlive(drains));
  const spools = ["worker-2", "worker-3"].map((name) => join(folder, "decision-log", name));
  for (const spool of spools) expect(readdirSync(spool)).not.toEqual([]);

  await database.start();
  owned.use(await startLoneDecision({ ...terms(), further: { drainMs: DRAIN_MS } }));
  const logs = await waitUntil("the three logs to be closed on the stream", 30_000, async () => {
    const found = wholeLogs(await decisionsOn(database.connectionString, { deployment: DEPLOYMENT, signing }));
    const closed = [...found.values()].filter((own) => own.at(-1)?.kind === "log_closed");
    return closed.length === COUNT && found;
  });
  const ids = [...logs.values()].flat().flatMap((record) => (record.kind === "decision" ? record.decision_id : []));
  expect(new Set(ids).size).toBe(ids.length);
  expect(answered.filter((id) => !ids.includes(id))).toEqual([]);
  await waitUntil("the spools to be empty", 30_000, () => spools.every((spool) => readdirSync(spool).length === 0));
});
