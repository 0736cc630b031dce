/** What Envoy's health check and operators are told of a decision service that is not ready yet, and of one that serves (rule 7). */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { freePort } from "../../harness/free-port.ts";
import { grpcHealth } from "../../harness/grpc-health.ts";
import { createDecision, type Decision } from "../../harness/system/decision.ts";
import { makeKeyPair } from "../../harness/system/key-pair.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { honestKey } from "./lone-decision.ts";

const READY_WITHIN_MS = 1_000;
let folder: string;
let keys: string;
let decision: Decision;
/** Of ext_authz, and of the API. */
let clients: readonly Client[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-readiness-"));
  keys = join(folder, "keys.json");
  const grpcPort = await freePort();
  const nowhere = `127.0.0.1:${await freePort()}`;
  const issuer = { issuer: "https://issuer.example", audience: ["orders"], algorithms: ["EdDSA"], jwks_file: keys };
  decision = await createDecision(
    {
      ...{ folder, name: "waits", deployment: "test", issuers: [], brokers: [nowhere] },
      requestUrl: "https://approvals.example",
      signing: await makeKeyPair(folder, "signing"),
      stateRelay: await makeKeyPair(folder, "relay"),
      redemption: { address: nowhere, serviceToken: "unused, but long enough" },
    },
    (settings) => ({
      ...settings,
      identity: { ...settings.identity, issuers: [issuer] },
      state: { ...settings.state, readyWithinMs: READY_WITHIN_MS },
      api: { baseUrl: "https://pdp.example", httpPort: 0, grpcPort },
    }),
  );
  clients = [decision.port, grpcPort].map((port) => new Client(`127.0.0.1:${port}`, credentials.createInsecure()));
});

afterAll(async () => {
  for (const client of clients) client.close();
  await decision.kill();
  await rm(folder, { recursive: true, force: true });
});

/** What grpc.health says of both, if they agree. */
async function health(): Promise<string> {
  return [...new Set(await Promise.all(clients.map((client) => grpcHealth(client))))].join(" and ");
}

async function readyz(): Promise<{ readonly code: number; readonly text: string }> {
  const response = await fetch(`${decision.opsUrl}/readyz`);
  return { code: response.status, text: await response.text() };
}

test("without the keys of an issuer it serves nobody, also when waiting for the stream is over; with them it serves the baseline", async () => {
  const started = decision.start();
  await waitUntil("it to give up waiting for the stream", 30_000, async () => {
    const { text } = await readyz().catch(() => ({ text: "" }));
    return text.includes('"state":{"status":"ok","detail":"gave_up_waiting"}');
  });
  const before = await readyz();
  expect([before.code, await health()]).toEqual([503, "NOT_SERVING"]);
  expect(before.text).toContain('"keys":{"status":"failed","detail":"no usable keys of https://issuer.example"}');

  const jwk = { ...honestKey.publicKey.export({ format: "jwk" }), kid: "honest", alg: "EdDSA", use: "sig" };
  await writeFile(`${keys}.new`, JSON.stringify({ keys: [jwk] }));
  await rename(`${keys}.new`, keys);
  await started;
  await waitUntil("Envoy's health check to be told", 30_000, async () => (await health()) === "SERVING");
  const after = await readyz();
  expect([after.code, after.text]).toEqual([200, expect.stringContaining('"grants":{"status":"degraded"')]);
});

test("a restart needs no issuer: the last good keys are on its disk", async () => {
  await decision.kill();
  await rm(keys);
  await decision.start();
  await waitUntil("Envoy's health check to be told", 30_000, async () => (await health()) === "SERVING");
});
