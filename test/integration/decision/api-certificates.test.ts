/**
 * Certificates of section `api` in the running service, AuthZEN over HTTP and DecisionService over gRPC alike: files that are swapped count at
 * SIGHUP for connections from then on, what cannot be used is refused and the one before stays, and connections that are open go on.
 */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parse, stringify } from "yaml";
import { credentials, Metadata } from "@grpc/grpc-js";
import { DecisionServiceClient, Mode, Outcome } from "../../../proto/gen/countersign/v1/decision.ts";
import { metricTotal } from "../../harness/metrics.ts";
import { type Authority, type CertificatePair, createAuthority } from "../../harness/certificates.ts";
import { freePort } from "../../harness/free-port.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { ISSUER, startLoneDecision } from "./lone-decision.ts";

const PARTS = ["api_tls", "api_grpc_tls"] as const;
const ALL_PARTS = [...PARTS, "api_clients", "api_published_keys"] as const;
const NAME = "spiffe://example.org/asker";
const owned = new AsyncDisposableStack();
const ports = { http: 0, grpc: 0 };
let files: { readonly certPath: string; readonly keyPath: string; readonly clientCaPath: string };
let tokenPath: string;
let ours: Authority;
let first: CertificatePair;
let caller: CertificatePair;
let decision: Decision;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "api-certificates-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string) => join(folder, `${name}.pem`);
  files = { certPath: at("cert"), keyPath: at("key"), clientCaPath: at("ca") };
  tokenPath = at("token");
  ours = await createAuthority("ours");
  first = await issue();
  caller = await ours.issue({ name: "asker", use: "client", uris: [NAME] });
  await place(first);
  await writeFile(files.clientCaPath, ours.ca);
  await writeFile(tokenPath, "service-token-of-the-asker");
  [ports.http, ports.grpc] = [await freePort(), await freePort()];
  const clients = [{ name: "asker", certificate: `URI:${NAME}`, subjects: { user: ISSUER } }];
  const accessRequestEndpoint = "https://approvals.example/access/v1/requests";
  const api = {
    baseUrl: "https://pdp.example",
    httpPort: ports.http,
    grpcPort: ports.grpc,
    clients,
    ...files,
    accessRequestEndpoint,
  };
  decision = owned.use(await startLoneDecision({ folder, name: "decision", further: { api } }));
});
afterAll(() => owned.disposeAsync());

const issue = () => ours.issue({ name: "decision", use: "server" });
const fingerprintOf = ({ cert }: CertificatePair) => new X509Certificate(cert).fingerprint256;

async function place({ cert, key }: CertificatePair): Promise<void> {
  await writeFile(files.certPath, cert);
  await writeFile(files.keyPath, key);
}

/** What each port shows to a connection of its own. */
function shown(): Promise<readonly string[]> {
  return Promise.all(
    [ports.http, ports.grpc].map(async (port) => {
      const socket = tls.connect({
        host: "127.0.0.1",
        port,
        ca: ours.ca,
        ALPNProtocols: ["h2", "http/1.1"],
        ...caller,
      });
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    }),
  );
}

/** Sends SIGHUP, and waits until these parts were tried and say whether they were refused. */
async function reload(isRefused: boolean, parts: readonly string[] = PARTS): Promise<void> {
  decision.reload();
  for (const part of parts) {
    await waitUntil(`${part} to be ${isRefused ? "refused" : "taken"}`, 30_000, async () => {
      return (
        (await metricTotal(decision.opsUrl, "countersign_decision_reload_refused", { part })) === Number(isRefused)
      );
    });
  }
}

/** A question over gRPC on a connection that stays open. */
function overGrpc(): () => Promise<Outcome> {
  const channel = credentials.createSsl(ours.ca, caller.key, caller.cert);
  const client = new DecisionServiceClient(`127.0.0.1:${ports.grpc}`, channel, { "grpc.use_local_subchannel_pool": 1 });
  owned.defer(() => client.close());
  const question = {
    subject: { type: "user", id: "dana", properties: undefined },
    action: { name: "read", properties: undefined },
    resource: { type: "file", id: "f1", properties: undefined },
    ...{ context: undefined, mode: Mode.MODE_ASK },
  };
  return () =>
    new Promise((resolve, reject) => {
      client.evaluate(question, new Metadata(), { deadline: Date.now() + 30_000 }, (error, answer) =>
        error === null ? resolve(answer.outcome) : reject(error),
      );
    });
}

/** A question over HTTP on a connection that stays open: its status, and whether that connection was used before. */
function overHttp(shows: object = caller): () => Promise<readonly [number | undefined, boolean]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ours.ca, ...shows });
  owned.defer(async () => agent.destroy());
  return async () => {
    const asked = request({
      ...{ host: "127.0.0.1", port: ports.http, method: "POST", path: "/access/v1/evaluation", agent },
      headers: { "content-type": "application/json" },
    });
    asked.end(
      JSON.stringify({
        subject: { type: "user", id: "dana" },
        action: { name: "read" },
        resource: { type: "file", id: "f1" },
      }),
    );
    const [response] = await once(asked, "response");
    await response.resume().toArray();
    return [response.statusCode, asked.reusedSocket];
  };
}

test("what cannot be used is refused, and the one before is shown on: a certificate without its key, half a file, a client CA that is none", async () => {
  expect(await shown()).toEqual([fingerprintOf(first), fingerprintOf(first)]);
  const next = await issue();
  const broken: readonly (() => Promise<void>)[] = [
    () => writeFile(files.certPath, next.cert),
    () => writeFile(files.certPath, next.cert.subarray(0, 200)),
    () => writeFile(files.clientCaPath, "no PEM"),
  ];
  for (const swap of broken) {
    await swap();
    await reload(true);
    expect(await shown()).toEqual([fingerprintOf(first), fingerprintOf(first)]);
    await place(first);
    await writeFile(files.clientCaPath, ours.ca);
    await reload(false);
  }
});

test("without section api, as in a file that was cut before it, no part of it is taken: its clients and keys stay", async () => {
  const whole = await readFile(decision.configPath, "utf8");
  const keySet = async () => {
    const options = { host: "127.0.0.1", port: ports.http, path: "/access/v1/jwks", ca: ours.ca, ...caller };
    const asked = request(options).end();
    const [response] = await once(asked, "response");
    return String(Buffer.concat(await response.toArray()));
  };
  const keys = await keySet();
  const { api: _, ...others } = parse(whole);
  await writeFile(decision.configPath, stringify(others));
  await reload(true, ALL_PARTS);
  expect(await overHttp()()).toEqual([200, false]);
  expect(await keySet()).toBe(keys);
  await writeFile(decision.configPath, whole);
  await reload(false, ALL_PARTS);
});

test("without the client CA in its configuration it goes on asking callers for their certificates: that takes a restart", async () => {
  const whole = await readFile(decision.configPath, "utf8");
  const { api, ...others } = parse(whole);
  const clients = [{ name: "asker", tokenPath, subjects: { user: ISSUER } }];
  await writeFile(decision.configPath, stringify({ ...others, api: { ...api, clientCaPath: undefined, clients } }));
  await reload(true);
  const foreign = await createAuthority("foreign");
  for (const shows of [{}, await foreign.issue({ name: "asker", use: "client", uris: [NAME] })]) {
    const asked = overHttp(shows);
    await expect(asked()).rejects.toThrow();
  }
  await writeFile(decision.configPath, whole);
  await reload(false);
  expect(await overHttp()()).toEqual([200, false]);
});

test("new connections see the new certificate of both ports, and those that are open go on", async () => {
  const [grpc, http] = [overGrpc(), overHttp()];
  expect(await grpc()).toBe(Outcome.OUTCOME_DENY);
  expect(await http()).toEqual([200, false]);
  const next = await issue();
  await place(next);
  decision.reload();
  await waitUntil("the new certificate", 30_000, async () =>
    (await shown()).every((one) => one === fingerprintOf(next)),
  );
  expect(await grpc()).toBe(Outcome.OUTCOME_DENY);
  expect(await http()).toEqual([200, true]);
  expect(await overGrpc()()).toBe(Outcome.OUTCOME_DENY);
});

test("a client authority that is no longer named lets nobody in from then on, and the one in its place does", async () => {
  const theirs = await createAuthority("theirs");
  const stranger = await theirs.issue({ name: "asker", use: "client", uris: [NAME] });
  const asStranger = async () => {
    const client = new DecisionServiceClient(
      `127.0.0.1:${ports.grpc}`,
      credentials.createSsl(ours.ca, stranger.key, stranger.cert),
      { "grpc.use_local_subchannel_pool": 1 },
    );
    const ready = new Promise<string>((resolve) => {
      client.waitForReady(Date.now() + 2_000, (error) => resolve(error === undefined ? "connected" : "refused"));
    });
    return ready.finally(() => client.close());
  };
  expect(await asStranger()).toBe("refused");
  await writeFile(files.clientCaPath, theirs.ca);
  decision.reload();
  await waitUntil("the other authority to be taken", 30_000, async () => (await asStranger()) === "connected");
  await expect(overGrpc()()).rejects.toThrow();
});
