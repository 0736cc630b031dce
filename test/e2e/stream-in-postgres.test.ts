/**
 * One machine without a broker: both services with their stream in Postgres, the gateway as enforcer, everything a process of its own. The
 * decision service connects as a role that reaches its topics and nothing else of the database that holds the approvals.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TOPICS } from "../../core/messages/topics.ts";
import { createLog } from "../../platform/log/log.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { SAMPLE_ACCOUNTS } from "../../sample/token-issuer/accounts.ts";
import { type RunningGateway, startGatewayProcess } from "../harness/gateway.ts";
import { type Approval, approvalPorts, createApproval } from "../harness/system/approval.ts";
import { type Answer, createCall, textAt } from "../../platform/programs/client.ts";
import { type SystemDatabase, startDatabase } from "../harness/system/database.ts";
import { createDecision, type Decision } from "../harness/system/decision.ts";
import { createIssuer, type Issuer } from "../harness/system/issuer.ts";
import { makeKeyPair } from "../harness/system/key-pair.ts";
import { createOrders, type Orders } from "../harness/system/orders.ts";
import { preparePostgresStream } from "../harness/system/stream.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { answerOf, passes } from "../../sample/story/ask.ts";

const log = createLog({ name: "test", level: "silent" });
const HEALED_MS = 60_000;

const owned = new AsyncDisposableStack();
let folder: string;
let database: SystemDatabase;
/** The connection string of a part's role. */
let as: Awaited<ReturnType<typeof preparePostgresStream>>;
let issuer: Issuer;
let orders: Orders;
let approval: Approval;
let decision: Decision;
let gateway: RunningGateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "one-machine-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  database = owned.use(await startDatabase());
  as = await preparePostgresStream(database.connectionString, { partitions: 1 });
  issuer = owned.use(await createIssuer({ folder, name: "issuer", accounts: SAMPLE_ACCOUNTS }));
  orders = owned.use(await createOrders({ folder }));
  const [deployment, serviceToken] = [`test-${randomUUID()}`, randomUUID()];
  const [relayKey, decisionKey] = [await makeKeyPair(folder, "approval"), await makeKeyPair(folder, "decision")];
  const ports = await approvalPorts();
  approval = owned.use(
    createApproval({
      ...{ folder, name: "approval", deployment, ports, signing: relayKey, decisionKeys: [decisionKey] },
      ...{ issuers: [issuer], brokers: [], databaseUrl: database.connectionString, serviceToken },
      webhookUrl: "http://127.0.0.1:9/nobody",
      streamUrl: as("approval"),
    }),
  );
  decision = owned.use(
    await createDecision({
      ...{ folder, name: "decision", deployment, signing: decisionKey, stateRelay: relayKey, issuers: [issuer] },
      brokers: [],
      redemption: { address: `127.0.0.1:${ports.redemption}`, serviceToken },
      requestUrl: `${approval.url}/v1/requests`,
      streamUrl: as("decision"),
    }),
  );
  await Promise.all([issuer, orders].map((program) => program.start()));
  await Promise.all([approval, decision].map((program) => program.start()));
  await decision.untilFresh();
  gateway = owned.use(await startGatewayProcess({ authorization: decision.port, upstream: orders.port }));
}, 120_000);
afterAll(() => owned.disposeAsync(), 60_000);

async function person(user: string) {
  const token = await issuer.token(user);
  return {
    proxy: createCall(`http://127.0.0.1:${gateway.port}`, token),
    approvals: createCall(approval.url, token),
  };
}

/** Refused, asked for, approved; resolves with the grant's request when max has agreed. */
async function approve(refused: Answer): Promise<void> {
  const [dana, max] = [await person("dana"), await person("max")];
  const body = { denial_id: textAt(refused.body, "denial_id"), justification: "the customer asked for it" };
  const submitted = await waitUntil("the denial to arrive", 30_000, async () => {
    const answer = await dana.approvals("POST", "/v1/requests", { body });
    return answer.status !== 404 && answer;
  });
  const review = { vote: "approve", digest: textAt(submitted.body, "request", "digest") };
  const reviews = `/v1/requests/${textAt(submitted.body, "request", "id")}/reviews`;
  expect(await max.approvals("POST", reviews, { body: review })).toMatchObject({ status: 200 });
}

test("refused, requested, approved, used and spent, without a broker", async () => {
  const { proxy } = await person("dana");
  expect(await proxy("GET", "/orders/42")).toMatchObject({ status: 200 });
  const refund = (amount: number) => proxy("POST", "/refunds", { body: { order: "42", amount } });
  const refused = await answerOf(() => refund(40));
  expect(refused).toMatchObject({ status: 403, body: { outcome: "needs_approval" } });
  await approve(refused);
  expect(await refund(4_000)).toMatchObject({ status: 403, body: { outcome: "needs_approval" } });
  const used = await waitUntil("the grant to arrive", 30_000, async () => {
    const answer = await refund(40);
    return passes(answer) && answer;
  });
  expect(used.status).toBe(201);
  expect(await refund(40)).toMatchObject({ status: 403, body: { grant_reason: "spent" } });
  expect((await orders.book()).refunds).toHaveLength(1);
}, 60_000);

test("every step is on the audit topic, and an auditor with rights on that topic alone finds the record whole", async () => {
  await using owner = createDatabase({ log }, { connection: database.connectionString, applicationName: "test" });
  const types = async () => {
    const { rows } = await owner.query<{ type: string }>(
      "select convert_from(value, 'UTF8')::json ->> 'type' as type from event_stream.read($1, 0, 0, 500, 4000000)",
      [TOPICS.audit.name],
    );
    return rows.map(({ type }) => type);
  };
  const story = ["request.submitted", "review.recorded", "request.approved", "grant.issued", "grant.used", "decision"];
  await waitUntil(`${story.join(", ")} on the audit topic`, 30_000, async () => {
    const seen = await types();
    return story.every((type) => seen.includes(`countersign.${type}.v1`));
  });
  const file = join(folder, "auditor-url");
  await writeFile(file, as("auditor"), { mode: 0o600 });
  const { stdout } = await promisify(execFile)(process.execPath, ["cli/verify.ts", "--stream-url-file", file], {
    cwd: join(import.meta.dirname, "../.."),
  });
  expect(stdout).toContain("whole");
  expect(stdout).not.toContain("broken");
}, 60_000);

test("the decision service reaches no approval with the address that it was given", async () => {
  await using stolen = createDatabase({ log }, { connection: as("decision"), applicationName: "test" });
  for (const table of ["denials", "requests", "grants", "audit_log", "event_stream.records"]) {
    await expect(stolen.query(`select from ${table}`)).rejects.toMatchObject({ code: "42501" });
  }
}, 30_000);

test("the database is killed under both services: reads go on, elevations fail closed, and all of it heals by itself", async () => {
  const { proxy } = await person("dana");
  await database.kill();
  await waitUntil("elevations to be stale", 30_000, async () => (await proxy("DELETE", "/orders/43")).status === 503);
  expect((await proxy("GET", "/orders/43")).status).toBe(200);
  await database.start();
  await waitUntil("elevations to be offered again", HEALED_MS, async () => {
    const { status, body } = await proxy("DELETE", "/orders/43");
    return status === 403 && JSON.stringify(body).includes("needs_approval");
  });
}, 90_000);
