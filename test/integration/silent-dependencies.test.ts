/**
 * A database and brokers that accept a connection and never say a word: who asks the operators' port hears so long before they are given up. By the
 * order of answers, since how long it takes is up to the machine (the limits themselves: platform/http/ops-server.test.ts).
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createLog } from "../../platform/log/log.ts";
import { answers, type CheckResult, type OpsServer, startOpsServer } from "../../platform/http/ops-server.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import { ping } from "../../platform/postgres/ping.ts";
import { createDatabase, type Database } from "../../platform/postgres/pool.ts";
import { createKafkaStream } from "../../platform/stream/kafka.ts";
import { exposeUnpublishedAge } from "../../services/approval/main/unpublished-age.ts";
import { relayRows } from "../../services/approval/store/audit-rows.ts";
import { startSilentServer } from "../harness/silent-server.ts";

const log = createLog({ name: "test", level: "silent" });
const DATABASE_DOWN: CheckResult = { status: "failed", detail: "the database" };
const STREAM_DOWN: CheckResult = { status: "degraded", detail: "the brokers" };

const owned = new AsyncDisposableStack();
let database: Database;
let ops: OpsServer;

beforeAll(async () => {
  const { port } = owned.use(await startSilentServer());
  database = owned.use(
    createDatabase(
      { log },
      {
        connection: { host: "127.0.0.1", port, user: "test", database: "test" },
        applicationName: "test",
        connectTimeoutMs: 20_000,
      },
    ),
  );
  const stream = owned.use(
    createKafkaStream(
      { log, onFatal: () => {} },
      { connection: { brokers: [`127.0.0.1:${port}`], clientId: "test", connectTimeoutMs: 20_000 } },
    ),
  );
  const metrics = createMetrics({ prefix: "t_" });
  exposeUnpublishedAge({ database, rows: relayRows, metrics, monotonicMs: () => performance.now() });
  const checks = new Map([
    ["database", () => answers(() => ping(database), DATABASE_DOWN)],
    ["stream", () => answers((deadlineMs) => stream.endOffsets("t", { deadlineMs }), STREAM_DOWN)],
  ]);
  ops = owned.use(await startOpsServer({ metrics, checks, log }, { host: "127.0.0.1", port: 0 }));
});
afterAll(() => owned.disposeAsync(), 60_000);

test("/readyz and a scrape are answered before the database is given up, each saying what is known: not ready, and an age that grows", async () => {
  const order: string[] = [];
  const givenUp = database.query("select 1").catch(() => void order.push("given up"));
  const asked = await Promise.all([
    fetch(`http://127.0.0.1:${ops.port}/readyz`),
    fetch(`http://127.0.0.1:${ops.port}/metrics`),
  ]);
  order.push("answered");
  const [readiness, scrape] = asked;
  expect([readiness.status, await readiness.json()]).toEqual([
    503,
    { status: "failed", checks: { database: DATABASE_DOWN, stream: STREAM_DOWN } },
  ]);
  expect(Number(/^t_audit_oldest_unpublished_seconds (\S+)$/m.exec(await scrape.text())?.[1])).toBeGreaterThan(0);
  await givenUp;
  expect(order).toEqual(["answered", "given up"]);
}, 60_000);
