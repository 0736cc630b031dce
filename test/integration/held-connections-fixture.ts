/** Both services as processes, each alone, with all their ports: what is sent there that does not come to its end, and whether others are served. */
import { createLog } from "../../platform/log/log.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { createCall } from "../../platform/programs/client.ts";
import { createPostgresTopics, migratePostgresStream } from "../../platform/stream/postgres-topics.ts";
import { topicSpecs } from "../../core/messages/topic-setup.ts";
import { DecisionServiceService, EvaluateRequest, Mode } from "../../proto/gen/countersign/v1/decision.ts";
import { RedeemRequest, RedemptionServiceService } from "../../proto/gen/countersign/v1/redemption.ts";
import { SAMPLE_ACCOUNTS } from "../../sample/token-issuer/accounts.ts";
import { freePort } from "../harness/free-port.ts";
import { frame, sendFrames } from "../harness/grpc-frames.ts";
import { callOf, END_HEADERS, FRAME, h2, PREFACE } from "../harness/http2-frames.ts";
import { HEAP_AFTER_GC } from "../harness/held-bytes.ts";
import { approvalPorts, createApproval } from "../harness/system/approval.ts";
import { startDatabase } from "../harness/system/database.ts";
import { createIssuer } from "../harness/system/issuer.ts";
import { makeKeyPair } from "../harness/system/key-pair.ts";
import type { Program } from "../harness/system/program.ts";
import { CHECK, honest, outcomeOf } from "./decision/hostile-fixture.ts";
import { startLoneDecision, token } from "./decision/lone-decision.ts";

export const DRAIN_MS = 1_000;
const SERVICE_TOKEN = "of the redemption port of this test";

/** HTTP/1.1: what begins and does not come to its end. */
const HALVES = (path: string) => [
  "",
  "POST ",
  `POST ${path} HTTP/1.1\r\nhost: x\r\nx-a: ${"y".repeat(4_000)}`,
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{"a":"${"y".repeat(20_000)}`,
];
/** HTTP/2: a greeting, half of one, and a call of which 16 KiB of 60,000 bytes come. */
const CALLS = (path: string) => {
  const greeting = Buffer.concat([PREFACE, h2(FRAME.settings, 0, 0)]);
  const half = frame(Buffer.alloc(16_000, "z"), { length: 60_000 });
  const call = Buffer.concat([greeting, h2(FRAME.headers, END_HEADERS, 1, callOf(path)), h2(FRAME.data, 0, 1, half)]);
  return ["", ...[PREFACE.subarray(0, 9), greeting, call].map((bytes) => bytes.toString("latin1"))];
};

type Port = { readonly port: number; readonly sent: readonly string[]; readonly isServed: () => Promise<unknown> };
export type Running = { readonly program: Program & { readonly opsUrl: string }; readonly ports: readonly Port[] };

/** What it starts is `owned`, and works in `folder`; `preload` is loaded before it, beside what makes its memory be told. */
type Start = (owned: AsyncDisposableStack, folder: string, preload: readonly string[]) => Promise<Running>;

export const startDecision: Start = async (owned, folder, preload) => {
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const api = { baseUrl: "https://pdp.example", httpPort, grpcPort };
  const program = await startLoneDecision({
    ...{ folder, name: "decision", preload: [HEAP_AFTER_GC, ...preload] },
    further: { api, drainMs: DRAIN_MS, noticeMs: 0 },
  });
  owned.defer(() => program.kill());
  const question = {
    subject: { type: "user", id: "dana" },
    action: { name: "read" },
    resource: { type: "x", id: "y" },
  };
  const person = createCall(`http://127.0.0.1:${httpPort}`, token());
  const { evaluate } = DecisionServiceService;
  const stated = { properties: undefined };
  const { subject, action, resource } = question;
  const asked = { subject: { ...subject, ...stated }, action: { ...action, ...stated } };
  const all = { ...asked, resource: { ...resource, ...stated }, context: undefined, mode: Mode.MODE_ASK };
  const body = frame(EvaluateRequest.encode(all).finish());
  return {
    program,
    ports: [
      {
        ...{ port: program.port, sent: CALLS(CHECK) },
        isServed: async () =>
          outcomeOf(await sendFrames(program.port, { path: CHECK, body: frame(honest()) })) === "allow",
      },
      {
        ...{ port: httpPort, sent: HALVES("/access/v1/evaluation") },
        isServed: async () => (await person("POST", "/access/v1/evaluation", { body: question })).status === 200,
      },
      {
        ...{ port: grpcPort, sent: CALLS(evaluate.path) },
        isServed: async () => {
          const headers = { authorization: `Bearer ${token()}` };
          return (await sendFrames(grpcPort, { path: evaluate.path, headers, body })).grpcStatus === "0";
        },
      },
      ops(program.opsUrl),
    ],
  };
};

const ops = (url: string): Port => ({
  ...{ port: Number(new URL(url).port), sent: HALVES("/healthz") },
  isServed: async () => (await fetch(`${url}/healthz`)).ok,
});

export const startApproval: Start = async (owned, folder, preload) => {
  const database = owned.use(await startDatabase());
  await migratePostgresStream(database.connectionString);
  await using owner = createDatabase(
    { log: createLog({ name: "test", level: "silent" }) },
    { connection: database.connectionString, applicationName: "test" },
  );
  await createPostgresTopics(owner, topicSpecs({ partitions: 1, replicas: 1 }));
  const issuer = owned.use(await createIssuer({ folder, name: "issuer", accounts: SAMPLE_ACCOUNTS }));
  await issuer.start();
  const ports = await approvalPorts();
  const program = owned.use(
    createApproval(
      {
        ...{ folder, name: "approval", deployment: "test", ports, signing: await makeKeyPair(folder, "approval") },
        ...{ decisionKeys: [await makeKeyPair(folder, "another")], issuers: [issuer], brokers: [] },
        ...{ databaseUrl: database.connectionString, streamUrl: database.connectionString },
        ...{ serviceToken: SERVICE_TOKEN, webhookUrl: "http://127.0.0.1:9/nobody" },
        preload: [HEAP_AFTER_GC, ...preload],
      },
      (settings) => ({ ...settings, drainMs: DRAIN_MS }),
    ),
  );
  await program.start();
  const person = createCall(program.url, await issuer.token("dana"));
  const id = "01930000-0000-7000-8000-0000000000ff";
  const claim = { redemptionId: id, grantId: id, issuer: "i", subject: "s", actors: [], entitlement: "e", scope: "s" };
  const body = frame(RedeemRequest.encode({ ...claim, digest: undefined }).finish());
  const { path } = RedemptionServiceService.redeem;
  const headers = { authorization: `Bearer ${SERVICE_TOKEN}` };
  return {
    program,
    ports: [
      {
        ...{ port: ports.rest, sent: HALVES("/v1/requests") },
        isServed: async () => (await person("GET", "/v1/requests")).status === 200,
      },
      {
        ...{ port: ports.redemption, sent: CALLS(path) },
        // Of a grant that is none: an outcome, and so an answer.
        isServed: async () => (await sendFrames(ports.redemption, { path, headers, body })).grpcStatus === "0",
      },
      ops(program.opsUrl),
    ],
  };
};
