/**
 * Both services as processes on one database and one stream, as in production but for Envoy: the bench asks the decision service as an
 * enforcer would, and is the issuer, the approver and the receiver of the webhook itself.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { topicSpecs } from "../../../core/messages/topic-setup.ts";
import { createLog } from "../../../platform/log/log.ts";
import { streamServer, type StreamConfig } from "../../../platform/stream/open-stream.ts";
import { migrate } from "../../../services/approval/store/migrate.ts";
import { createTestDatabase } from "../../harness/postgres.ts";
import { type Approval, approvalPorts, createApproval } from "../../harness/system/approval.ts";
import { createDecision, type Decision } from "../../harness/system/decision.ts";
import { REALM } from "../../harness/system/issuer.ts";
import { makeKeyPair } from "../../harness/system/key-pair.ts";
import { AUDIENCE, claims, honestKey, ISSUER, token } from "../../integration/decision/lone-decision.ts";
import { type Notices, startNotices } from "./notices.ts";

const log = createLog({ name: "bench", level: "silent" });
const TEMPLATE = {
  name: "bench_approval",
  async prepare(connection: string) {
    await migrate(connection);
  },
};

export type BothServices = AsyncDisposable & {
  readonly decision: Decision;
  readonly approval: Approval;
  readonly databaseUrl: string;
  readonly stream: StreamConfig;
  readonly redemption: { readonly port: number; readonly serviceToken: string };
  readonly notices: Notices;
};

/** Kafka at these brokers, or a stream in the services' own database. */
export async function startBothServices(kafka: readonly string[] | undefined): Promise<BothServices> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-approval-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const { connectionString: databaseUrl } = owned.use(await createTestDatabase(TEMPLATE));
  const stream: StreamConfig =
    kafka === undefined
      ? { stream: { kind: "postgres", url: databaseUrl } }
      : { kafka: { brokers: [...kafka], tls: false, client: "kafkajs" } };
  const server = await streamServer(stream, { clientName: "bench", log });
  await server.createTopics(topicSpecs({ partitions: 1, replicas: 1 }));
  const notices = owned.use(await startNotices());

  const identity = await identityIn(folder);
  const [deployment, serviceToken] = ["bench", randomUUID()];
  const [relayKey, decisionKey] = [await makeKeyPair(folder, "approval"), await makeKeyPair(folder, "decision")];
  const ports = await approvalPorts();
  const shared = {
    ...{ folder, deployment, issuers: [], brokers: kafka ?? [] },
    ...(kafka === undefined ? { streamUrl: databaseUrl } : {}),
  };
  const approval = owned.use(
    createApproval(
      {
        ...{ ...shared, name: "approval", ports, signing: relayKey, decisionKeys: [decisionKey] },
        ...{ databaseUrl, serviceToken, webhookUrl: notices.url, hasOwnClock: false },
      },
      (settings) => ({ ...settings, identity }),
    ),
  );
  const decision = owned.use(
    await createDecision(
      {
        ...{ ...shared, name: "decision", signing: decisionKey, stateRelay: relayKey, hasOwnClock: false },
        redemption: { address: `127.0.0.1:${ports.redemption}`, serviceToken },
        requestUrl: `${approval.url}/v1/requests`,
      },
      (settings) => ({ ...settings, identity }),
    ),
  );
  await Promise.all([approval.start(), decision.start()]);
  await decision.untilFresh();
  const all = owned.move();
  return {
    ...{ decision, approval, databaseUrl, stream, notices },
    redemption: { port: ports.redemption, serviceToken },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Of both services: one issuer, whose pen the bench holds. */
async function identityIn(folder: string) {
  const keys = join(folder, "issuer-keys.json");
  const jwk = { ...honestKey.publicKey.export({ format: "jwk" }), kid: "honest", alg: "EdDSA", use: "sig" };
  await writeFile(keys, JSON.stringify({ keys: [jwk] }));
  const trusted = { issuer: ISSUER, audience: [AUDIENCE], algorithms: ["EdDSA"], jwks_file: keys };
  return { issuers: [{ ...trusted, person: { realm: REALM, claim: "email" } }], defaultRealm: REALM };
}

/** Of a person of this group, for ten minutes. */
export function personToken(sub: string, group: "engineers" | "managers"): string {
  return token({ payload: claims({ sub, email: `${sub}@example.com`, groups: [group] }) });
}
