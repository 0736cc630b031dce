/**
 * SIGHUP to real processes, both services with their stream in Postgres: keys, certificates and policy are taken anew, what is broken is not,
 * and nothing that runs is held up.
 */
import { randomUUID, X509Certificate } from "node:crypto";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parse, stringify } from "yaml";
import { topicSpecs } from "../../core/messages/topic-setup.ts";
import { createLog } from "../../platform/log/log.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { createPostgresTopics, migratePostgresStream } from "../../platform/stream/postgres-topics.ts";
import { SAMPLE_ACCOUNTS } from "../../sample/token-issuer/accounts.ts";
import { type Authority, type CertificatePair, createAuthority } from "../harness/certificates.ts";
import { type Approval, approvalPorts, createApproval } from "../harness/system/approval.ts";
import { type SystemDatabase, startDatabase } from "../harness/system/database.ts";
import { createDecision, type Decision } from "../harness/system/decision.ts";
import { createIssuer, type Issuer } from "../harness/system/issuer.ts";
import { type KeyPairFiles, makeKeyPair } from "../harness/system/key-pair.ts";
import type { Program } from "../harness/system/program.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const BUNDLE = join(import.meta.dirname, "../../rego/bundle");
const owned = new AsyncDisposableStack();
let folder: string;
let ours: Authority;
let database: SystemDatabase;
let issuer: Issuer;
let approval: Approval;
let decision: Decision;
let relayKey: KeyPairFiles;
let ports: Awaited<ReturnType<typeof approvalPorts>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reload-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  ours = await createAuthority("ours");
  await cp(BUNDLE, join(folder, "bundle"), { recursive: true });
  await writeFile(join(folder, "ca.pem"), ours.ca);
  for (const name of ["rest", "redemption", "listen"]) await placePair(name, await ours.issue({ name, use: "server" }));
  await placePair("redeemer", await ours.issue({ name: "redeemer", use: "client" }));
  database = owned.use(await startDatabase());
  await migratePostgresStream(database.connectionString);
  await using owner = createDatabase(
    { log: createLog({ name: "test", level: "silent" }) },
    { connection: database.connectionString, applicationName: "test" },
  );
  await createPostgresTopics(owner, topicSpecs({ partitions: 1, replicas: 1 }));
  issuer = owned.use(await createIssuer({ folder, name: "issuer", accounts: SAMPLE_ACCOUNTS }));
  const [deployment, serviceToken] = [`test-${randomUUID()}`, randomUUID()];
  relayKey = await makeKeyPair(folder, "approval");
  const decisionKey = await makeKeyPair(folder, "decision");
  ports = await approvalPorts();
  const streamUrl = database.connectionString;
  const bundle = { path: join(folder, "bundle") };
  approval = owned.use(
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
        redemption: { ...settings.redemption, ...pathsOf("redemption"), clientCaPath: join(folder, "ca.pem") },
      }),
    ),
  );
  decision = owned.use(
    await createDecision(
      {
        ...{ folder, name: "decision", deployment, signing: decisionKey, stateRelay: relayKey, issuers: [issuer] },
        ...{ brokers: [], redemption: { address: `localhost:${ports.redemption}`, serviceToken }, streamUrl },
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
}, 120_000);
afterAll(() => owned.disposeAsync(), 60_000);

const pathsOf = (name: string) => ({
  certPath: join(folder, `${name}-cert.pem`),
  keyPath: join(folder, `${name}-key.pem`),
});

async function placePair(name: string, { cert, key }: CertificatePair): Promise<void> {
  await writeFile(pathsOf(name).certPath, cert);
  await writeFile(pathsOf(name).keyPath, key);
}

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
const fingerprintOf = ({ cert }: CertificatePair) => new X509Certificate(cert).fingerprint256;

type Line = {
  readonly event?: string;
  readonly part?: string;
  readonly keys?: readonly string[];
  readonly why?: string;
};

async function linesOf(program: Program): Promise<readonly Line[]> {
  const text = await program.log();
  return text.split("\n").flatMap((line): Line[] => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

/** Sends the signal and waits for what each of these parts says: taken, or why not. */
async function reload(program: Program, ...parts: readonly string[]): Promise<ReadonlyMap<string, Line>> {
  const before = (await linesOf(program)).length;
  program.reload();
  return waitUntil(`${program.name} to say of ${parts.join(", ")}`, 20_000, async () => {
    const fresh = (await linesOf(program)).slice(before);
    const said = new Map(
      fresh
        .filter(({ event }) => event === "reloaded" || event?.startsWith("reload_"))
        .map((line) => [line.part ?? line.event ?? "", line]),
    );
    return parts.every((part) => said.has(part)) && said;
  });
}

async function reconfigure(program: Program, change: (config: ReturnType<typeof parse>) => unknown): Promise<void> {
  const config: unknown = parse(await readFile(program.configPath, "utf8"));
  await writeFile(program.configPath, stringify(change(config), { aliasDuplicateObjects: false }));
}

type Checks = { readonly [name: string]: { readonly status: string; readonly detail?: string } };

/** What `/readyz` says of each part. */
async function checksOf(url: string): Promise<Checks> {
  const report: { readonly checks: Checks } = JSON.parse(await (await fetch(`${url}/readyz`)).text());
  return report.checks;
}
const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text();

test("a new certificate of REST, redemption and ext_authz is shown to new connections, while an open one goes on", async () => {
  const kept = tls.connect({ host: "127.0.0.1", port: ports.rest, ca: ours.ca });
  await new Promise((resolve) => kept.once("secureConnect", resolve));
  const next = await ours.issue({ name: "next", use: "server" });
  for (const name of ["rest", "redemption", "listen"]) await placePair(name, next);
  const said = await reload(approval, "rest_tls", "redemption_tls");
  expect([...said.values()].map(({ event }) => event)).not.toContain("reload_refused");
  await reload(decision, "listen_tls", "redemption_tls");
  expect(await shownAt(ports.rest)).toBe(fingerprintOf(next));
  expect(await shownAt(decision.port)).toBe(fingerprintOf(next));
  const answered = new Promise<string>((resolve) => kept.once("data", (data) => resolve(String(data))));
  kept.write("GET /v1/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  expect(await answered).toMatch(/^HTTP\/1\.1 200/);
  kept.destroy();
}, 60_000);

test("a half-written certificate and a broken bundle are refused: what was there serves on, log, metric and readiness say so, until they are whole", async () => {
  const before = await shownAt(ports.rest);
  const next = await ours.issue({ name: "after", use: "server" });
  await writeFile(pathsOf("rest").certPath, next.cert); // its key is not there yet
  await truncate(join(folder, "bundle", "policy.wasm"), 1_000);
  const said = await reload(approval, "rest_tls", "policy", "redemption_tls");
  expect(said.get("rest_tls")).toMatchObject({ event: "reload_refused" });
  expect(said.get("policy")).toMatchObject({ event: "reload_refused" });
  expect(said.get("redemption_tls")).toMatchObject({ event: "reloaded" });
  expect((await reload(decision, "policy")).get("policy")).toMatchObject({ event: "reload_refused" });
  expect(await shownAt(ports.rest)).toBe(before);
  expect(await checksOf(approval.opsUrl)).toMatchObject({
    bundle: { status: "degraded" },
    reload: { status: "degraded" },
  });
  expect(await metricsOf(approval.opsUrl)).toContain('countersign_approval_reload_refused{part="rest_tls"} 1');
  await placePair("rest", next);
  await cp(BUNDLE, join(folder, "bundle"), { recursive: true });
  const healed = await reload(approval, "rest_tls", "policy");
  expect([healed.get("rest_tls")?.event, healed.get("policy")?.event]).toEqual(["reloaded", "reloaded"]);
  expect((await reload(decision, "policy")).get("policy")).toMatchObject({ event: "reloaded" });
  expect(await shownAt(ports.rest)).toBe(fingerprintOf(next));
  expect(await checksOf(approval.opsUrl)).toMatchObject({ reload: { status: "ok" } });
}, 60_000);

test("the state relay takes a new signing key; decision services that know it stay fresh, and those that did not become so", async () => {
  const next = await makeKeyPair(folder, "approval-2");
  await reconfigure(approval, (config) => ({
    ...config,
    signing: { kid: next.kid, keyPath: next.privatePath, previousKeys: { [relayKey.kid]: relayKey.publicPath } },
  }));
  expect((await reload(approval, "signing_keys")).get("signing_keys")).toMatchObject({ event: "reloaded" });
  await waitUntil("grants to be stale, under a key that is not known", 20_000, async () => {
    return (await checksOf(decision.opsUrl))["grants"]?.status === "degraded";
  });
  await reconfigure(decision, (config) => ({
    ...config,
    state: { ...config.state, trustedKeys: { ...config.state.trustedKeys, [next.kid]: next.publicPath } },
  }));
  expect((await reload(decision, "state_keys")).get("state_keys")).toMatchObject({ event: "reloaded" });
  await decision.untilFresh();
}, 60_000);

test("a decision service takes a new signing key that the approval service knows: one log is closed under the old key, another begins under the new", async () => {
  const next = await makeKeyPair(folder, "decision-2");
  await reconfigure(approval, ({ decisionServices, ...config }) => ({
    ...config,
    decisionServices: { trustedKeys: { ...decisionServices.trustedKeys, [next.kid]: next.publicPath } },
  }));
  await reload(approval, "decision_service_keys");
  await reconfigure(decision, (config) => ({ ...config, signing: { kid: next.kid, keyPath: next.privatePath } }));
  expect((await reload(decision, "signing_key")).get("signing_key")).toMatchObject({ event: "reloaded" });
  await using owner = createDatabase(
    { log: createLog({ name: "test", level: "silent" }) },
    { connection: database.connectionString, applicationName: "test" },
  );
  const logs = () => owner.query<{ id: string; closed: string }>("select log_id as id, closed from decision_logs");
  await waitUntil("both logs to arrive, the first one with its end", 20_000, async () => {
    const { rows } = await logs();
    const closedOf = (kid: string) => rows.filter(({ id }) => id.startsWith(`pdp/${kid}/`)).map(({ closed }) => closed);
    return closedOf("decision").join() === "complete" && closedOf("decision-2").join() === "no";
  });
}, 60_000);

test("a configuration that is refused changes nothing; what only a restart takes is named", async () => {
  const whole = await readFile(approval.configPath, "utf8");
  await reconfigure(approval, (config) => ({ ...config, webhok: {} }));
  const refused = await reload(approval, "configuration");
  expect(refused.get("configuration")?.why).toContain("webhok: is not a key of this program");
  expect(await checksOf(approval.opsUrl)).toMatchObject({ reload: { status: "degraded" } });
  await writeFile(approval.configPath, whole);
  await reconfigure(approval, (config) => ({ ...config, drainMs: 4_000 }));
  const said = await reload(approval, "reload_needs_restart");
  expect(said.get("reload_needs_restart")?.keys).toEqual(["drainMs"]);
}, 60_000);

test("key sets of issuers are looked at again; one that cannot be had is said, and tokens are taken on", async () => {
  expect((await reload(decision, "issuer_keys")).get("issuer_keys")).toMatchObject({ event: "reloaded" });
  await issuer.stop();
  const said = await reload(decision, "issuer_keys");
  expect(said.get("issuer_keys")).toMatchObject({
    event: "reload_refused",
    why: expect.stringContaining("unreachable"),
  });
  expect(await checksOf(decision.opsUrl)).toMatchObject({ keys: { status: "ok" } });
}, 60_000);
