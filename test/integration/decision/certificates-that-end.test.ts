/**
 * Certificates that end while the service runs. A handshake looks at them, nothing later does: a connection that is open goes on (Envoy's is
 * kept for days), every new one is refused until there is a new certificate, and the service itself goes on meanwhile.
 */
import { afterEach, beforeAll, expect, test } from "@jest/globals";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  AuthorizationClient,
  type CheckRequest,
  type CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { systemClock } from "../../../platform/clock.ts";
import { type CheckServer, startCheckServer } from "../../../services/decision/ext-authz/server.ts";
import { type Authority, type CertificatePair, createAuthority } from "../../harness/certificates.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

const ALLOW: CheckResponse = { status: { code: status.OK, message: "", details: [] }, httpResponse: undefined };
const REQUEST: CheckRequest = { attributes: undefined };
/** X.509 knows whole seconds. */
const SHORTLY_MS = 3_000;

let ours: Authority;
beforeAll(async () => {
  ours = await createAuthority("ours");
});
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function serve(pair: CertificatePair): Promise<CheckServer> {
  const { monotonicMs } = systemClock;
  const server = await startCheckServer(
    { check: () => Promise.resolve(ALLOW), faults: { report: () => {} }, monotonicMs },
    {
      ...{ host: "127.0.0.1", port: 0, tls: { ...pair, clientCa: ours.ca } },
      ...{ maxMessageBytes: 65_536, maxInFlight: 8, deadlineMs: 450, drainMs: 300 },
    },
  );
  open.push(() => server[Symbol.asyncDispose]());
  return server;
}

/** A connection of its own; asking it says `answered`, or why not. */
function connect({ port }: CheckServer, shown: CertificatePair): () => Promise<string> {
  const client = new AuthorizationClient(
    `127.0.0.1:${port}`,
    credentials.createSsl(ours.ca, shown.key, shown.cert),
    // NB: else a second client takes over the connection of the first.
    { "grpc.use_local_subchannel_pool": 1 },
  );
  open.push(() => client.close());
  return () =>
    new Promise((resolve) => {
      client.check(REQUEST, new Metadata(), { deadline: Date.now() + 5_000 }, (error: ServiceError | null) =>
        resolve(error === null ? "answered" : error.details),
      );
    });
}

const soon = (use: "server" | "client") => ours.issue({ name: use, use, endsInMs: SHORTLY_MS });

test("an enforcer's: its open connection goes on, no other can be opened with it, and one with a new certificate is", async () => {
  const server = await serve(await ours.issue({ name: "decision", use: "server" }));
  const ending = await soon("client");
  const first = connect(server, ending);
  expect(await first()).toBe("answered");
  await waitUntil("the certificate to end", 15_000, async () => (await connect(server, ending)()) !== "answered");
  expect(await connect(server, ending)()).toMatch(/No connection established/);
  expect(await first()).toBe("answered");
  expect(await connect(server, await ours.issue({ name: "envoy", use: "client" }))()).toBe("answered");
}, 30_000);

test("the service's own: the open connection goes on, nobody else believes it, and a new one from disk is believed without a restart", async () => {
  const server = await serve(await soon("server"));
  const envoy = await ours.issue({ name: "envoy", use: "client" });
  const first = connect(server, envoy);
  expect(await first()).toBe("answered");
  await waitUntil("the certificate to end", 15_000, async () => (await connect(server, envoy)()) !== "answered");
  expect(await connect(server, envoy)()).toMatch(/certificate has expired/);
  expect(await first()).toBe("answered");
  const next = await ours.issue({ name: "decision", use: "server" });
  server.replaceCertificates({ ...next, clientCa: ours.ca });
  expect(await connect(server, envoy)()).toBe("answered");
  expect(await first()).toBe("answered");
}, 30_000);
