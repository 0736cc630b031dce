/**
 * Both services as processes with their stream in Postgres, certificates on every port that they open, and a bundle of their own: all that can
 * be replaced while they run.
 */
import { randomUUID } from "node:crypto";
import { cp, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { topicSpecs } from "../../core/messages/topic-setup.ts";
import { createLog } from "../../platform/log/log.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { createPostgresTopics, migratePostgresStream } from "../../platform/stream/postgres-topics.ts";
import { SAMPLE_ACCOUNTS } from "../../sample/token-issuer/accounts.ts";
import { type Authority, type CertificatePair, createAuthority } from "../harness/certificates.ts";
import { makeBundle } from "../harness/made-bundle.ts";
import { approvalPorts, createApproval } from "../harness/system/approval.ts";
import { type SystemDatabase, startDatabase } from "../harness/system/database.ts";
import { createDecision } from "../harness/system/decision.ts";
import { createIssuer } from "../harness/system/issuer.ts";
import { makeKeyPair } from "../harness/system/key-pair.ts";
import { placeServiceToken } from "../harness/system/service-token.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";

const BUNDLE = join(import.meta.dirname, "../../rego/bundle");

export type ReloadableSystem = Awaited<ReturnType<typeof startReloadableSystem>>;

export async function startReloadableSystem() {
  const owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "reload-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));

  const pathsOf = (name: string) => ({
    certPath: join(folder, `${name}-cert.pem`),
    keyPath: join(folder, `${name}-key.pem`),
  });

  async function placePair(name: string, { cert, key }: CertificatePair): Promise<void> {
    await writeFile(pathsOf(name).certPath, cert);
    await writeFile(pathsOf(name).keyPath, key);
  }

  const ours = await createAuthority("ours");
  await cp(BUNDLE, join(folder, "bundle"), { recursive: true });
  const foreign = await createAuthority("foreign");
  const redeemersPath = join(folder, "redeemers.pem");
  for (const path of [join(folder, "ca.pem"), redeemersPath]) await writeFile(path, ours.ca);
  for (const name of ["rest", "redemption", "listen"]) await placePair(name, await ours.issue({ name, use: "server" }));
  await placePair("redeemer", await ours.issue({ name: "redeemer", use: "client" }));
  const database = owned.use(await startDatabase());
  await migratePostgresStream(database.connectionString);
  await using owner = ownerOf(database);
  await createPostgresTopics(owner, topicSpecs({ partitions: 1, replicas: 1 }));
  const issuer = owned.use(await createIssuer({ folder, name: "issuer", accounts: SAMPLE_ACCOUNTS }));
  const [deployment, serviceToken] = [`test-${randomUUID()}`, randomUUID()];
  const relayKey = await makeKeyPair(folder, "approval");
  const decisionKey = await makeKeyPair(folder, "decision");
  const ports = await approvalPorts();
  const redemptionRoad = owned.use(await startTcpProxy());
  redemptionRoad.target = ports.redemption;
  const streamUrl = database.connectionString;
  // Looked at when a signal comes, and not by the hour before that.
  const bundle = { path: join(folder, "bundle"), pollSeconds: 3_600 };
  const approval = owned.use(
    createApproval(
      {
        ...{ folder, name: "approval", deployment, ports, signing: relayKey, decisionKeys: [decisionKey] },
        ...{ issuers: [issuer], brokers: [], databaseUrl: database.connectionString, serviceToken, streamUrl },
        webhookUrl: "http://127.0.0.1:9/nobody",
      },
      (settings) => ({
        ...settings,
        bundle: { ...settings.bundle, ...bundle },
        rest: { ...settings.rest, ...pathsOf("rest") },
        redemption: { ...settings.redemption, ...pathsOf("redemption"), clientCaPath: redeemersPath },
      }),
    ),
  );
  const decision = owned.use(
    await createDecision(
      {
        ...{ folder, name: "decision", deployment, signing: decisionKey, stateRelay: relayKey, issuers: [issuer] },
        ...{ brokers: [], redemption: { address: `localhost:${redemptionRoad.port}`, serviceToken }, streamUrl },
        requestUrl: "https://approvals.example/v1/requests",
      },
      (settings) => ({
        ...settings,
        bundle: { ...settings.bundle, ...bundle },
        listen: { ...settings.listen, ...pathsOf("listen") },
        redemption: { ...settings.redemption, tls: true, caPath: join(folder, "ca.pem"), ...pathsOf("redeemer") },
      }),
    ),
  );
  await issuer.start();
  await Promise.all([approval, decision].map((program) => program.start()));
  await decision.untilFresh();

  /** Of the certificate that a port shows to a new connection. */
  function shownAt(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const trust = { ca: ours.ca, rejectUnauthorized: true };
      const socket = tls.connect({ host: "127.0.0.1", port, ALPNProtocols: ["h2", "http/1.1"], ...trust }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
      socket.on("error", reject);
    });
  }

  return {
    ...{ ours, foreign, issuer, approval, decision, relayKey, ports, placePair, pathsOf, shownAt },
    /** Between the decision service and the redemption port: cutting it is what makes a new connection. */
    redemptionRoad,
    /** Whose certificates the redemption port takes, from its next reload on. */
    placeRedeemers: ({ ca }: Authority) => writeFile(redeemersPath, ca),
    placeServiceToken: (of: "approval" | "decision", token: string) => placeServiceToken(folder, of, token),
    makeKeyPair: (name: string) => makeKeyPair(folder, name),
    /** As the owner of its tables. */
    openDatabase: () => ownerOf(database),
    breakBundle: () => truncate(join(folder, "bundle", "policy.wasm"), 1_000),
    /** Policy of other modules at the same path, until `mendBundle`; neither service is told. */
    async placePolicy(...modules: readonly string[]) {
      await rm(bundle.path, { recursive: true });
      await makeBundle(bundle.path, modules, {});
    },
    async mendBundle() {
      await rm(bundle.path, { recursive: true });
      await cp(BUNDLE, bundle.path, { recursive: true });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function ownerOf({ connectionString }: SystemDatabase) {
  const log = createLog({ name: "test", level: "silent" });
  return createDatabase({ log }, { connection: connectionString, applicationName: "test" });
}
