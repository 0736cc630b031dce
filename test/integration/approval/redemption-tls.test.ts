/**
 * A decision service's redemption client against the approval service's redemption server, over TLS with a service token
 * and over mTLS, with real certificates and grants in a real database. Whatever is refused before a redemption is
 * executed is `unavailable` on the decision path (deny `redemption_unavailable`, 503), and no use is counted.
 */
import net from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { systemClock } from "../../../platform/clock.ts";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { type RedemptionServer, startRedemptionServer } from "../../../services/approval/grpc/redemption-server.ts";
import type { Deadline } from "../../../services/decision/ports.ts";
import { createRedeemClient, type RedeemClientOptions } from "../../../services/decision/redemption/redeem-client.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import {
  type Authority,
  type CertificateOptions,
  type CertificatePair,
  createAuthority,
} from "../../harness/certificates.ts";
import { type Approval, createApproval } from "./approval-fixture.ts";
import { claimOf } from "./redeeming.ts";

const TOKEN = "a-service-token-of-this-test";
const UNAVAILABLE = { kind: "unavailable" };
const GRANTED = { kind: "granted", uses: 1 };
const DRAIN_MS = 300;
/** For who waits for a connection that does not come about, and for who is answered, by a machine that may stop now and then. */
const [IN_VAIN_MS, PATIENT_MS] = [1_000, 20_000];

let approval: Approval;
let ours: Authority;
let foreign: Authority;
let serverPair: CertificatePair;
let clientPair: CertificatePair;

beforeAll(async () => {
  ours = await createAuthority("ours");
  foreign = await createAuthority("foreign");
  serverPair = await ours.issue({ name: "approval", use: "server" });
  clientPair = await ours.issue({ name: "decision", use: "client" });
  approval = await createApproval();
});
afterAll(() => approval.close());

let executed = 0;
let faults: string[] = [];
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function serve(tls: ServerTls | undefined, token: string | undefined): Promise<RedemptionServer> {
  executed = 0;
  const redeem: Approval["store"]["redeem"] = (claim) => {
    executed += 1;
    return approval.store.redeem(claim);
  };
  const log = createLog({ name: "test", level: "silent" });
  const deps = { redeem, log, metrics: createMetrics({ prefix: "t_" }), monotonicMs: systemClock.monotonicMs };
  const options = { host: "127.0.0.1", port: 0, tls, serviceToken: () => token, drainMs: DRAIN_MS };
  const server = await startRedemptionServer(deps, options);
  open.push(() => server[Symbol.asyncDispose]());
  return server;
}

const withToken = (pair = serverPair) => serve({ ...pair, clientCa: undefined }, TOKEN);
const withMtls = (token?: string) => serve({ ...serverPair, clientCa: ours.ca }, token);

type Shown = {
  readonly pair?: CertificatePair;
  readonly token?: string;
  readonly trusted?: Authority;
  readonly host?: string;
  readonly plaintext?: true;
  readonly systemRoots?: true;
};

function clientOf(server: RedemptionServer, shown: Shown) {
  const { token, host = "127.0.0.1" } = shown;
  faults = [];
  const client = createRedeemClient(
    {
      metrics: createMetrics({ prefix: "t_" }),
      onFault: (code) => faults.push(status[code] ?? ""),
      wallMs: systemClock.wallMs,
    },
    { address: `${host}:${server.port}`, tls: tlsOf(shown), serviceToken: () => token },
  );
  open.push(() => client[Symbol.dispose]());
  return client;
}

function tlsOf({ pair, trusted = ours, plaintext, systemRoots }: Shown): RedeemClientOptions["tls"] {
  if (plaintext) return undefined;
  return { ca: systemRoots ? null : trusted.ca, key: pair?.key ?? null, cert: pair?.cert ?? null };
}

function deadlineIn(ms: number): Deadline {
  const end = systemClock.monotonicMs() + ms;
  const leftMs = () => end - systemClock.monotonicMs();
  return { leftMs, within: (shorter) => deadlineIn(Math.min(shorter, leftMs())) };
}

/** The outcome of one use of a fresh grant; what the caller gets wrong must have left it unused. */
async function use(server: RedemptionServer, shown: Shown, ms = PATIENT_MS) {
  const grant = await approval.grant({ maxUses: 1 });
  const outcome = await clientOf(server, shown).redeem(claimOf(grant), deadlineIn(ms));
  const uses = (await approval.store.reads.grant(grant.id))?.uses;
  expect(uses).toBe(outcome.kind === "granted" ? 1 : 0);
  expect(executed).toBe(uses);
  return outcome;
}

describe("over TLS with a service token, no use is counted for a decision service that", () => {
  test("speaks plain text, though it knows the token", async () => {
    const server = await withToken();
    expect(await use(server, { token: TOKEN, plaintext: true }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
  });

  test("shows a wrong token, an empty one, or none: UNAUTHENTICATED", async () => {
    const server = await withToken();
    for (const token of ["wrong", "", undefined, `${TOKEN} `]) {
      expect(await use(server, token === undefined ? {} : { token })).toEqual(UNAVAILABLE);
      expect(faults).toEqual(["UNAUTHENTICATED"]);
    }
  });

  test("shows a certificate of ours in place of the token, where certificates are not asked for", async () => {
    expect(await use(await withToken(), { pair: clientPair })).toEqual(UNAVAILABLE);
    expect(faults).toEqual(["UNAUTHENTICATED"]);
  });

  test.each<[string, CertificateOptions]>([
    ["expired", { name: "approval", use: "server", endsInMs: -60_000 }],
    ["made for another host", { name: "approval", use: "server", hosts: ["approval.elsewhere.example", "10.0.0.1"] }],
    ["for use as a client", { name: "approval", use: "client" }],
  ])("finds the server's certificate %s; the token is not sent to it", async (_what, options) => {
    const server = await withToken(await ours.issue(options));
    expect(await use(server, { token: TOKEN }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
    expect(faults).toEqual([]);
  });

  test("trusts another authority, or only the system's: the token is not sent", async () => {
    const server = await withToken();
    expect(await use(server, { token: TOKEN, trusted: foreign }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
    expect(await use(server, { token: TOKEN, systemRoots: true }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
    expect(faults).toEqual([]);
  });
});

describe("over mTLS, no use is counted for a decision service that shows", () => {
  test("nothing, in plain text", async () => {
    expect(await use(await withMtls(), { plaintext: true }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
  });

  test("no certificate, not even with the token", async () => {
    expect(await use(await withMtls(TOKEN), { token: TOKEN }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
  });

  test("a certificate of another authority, under the same name", async () => {
    const pair = await foreign.issue({ name: "decision", use: "client" });
    expect(await use(await withMtls(), { pair }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
  });

  test("a certificate of ours that has expired, is for use as a server, or was signed by no authority", async () => {
    const server = await withMtls();
    const expired = await ours.issue({ name: "decision", use: "client", endsInMs: -60_000 });
    expect(await use(server, { pair: expired }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
    expect(await use(server, { pair: serverPair }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
    const byLeaf = await ours.issueByLeaf({ name: "decision", use: "client" });
    expect(await use(server, { pair: byLeaf }, IN_VAIN_MS)).toEqual(UNAVAILABLE);
  });

  test("the right certificate and no token or a wrong one, where both are set: both are asked for", async () => {
    const server = await withMtls(TOKEN);
    for (const shown of [{ pair: clientPair }, { pair: clientPair, token: "wrong" }]) {
      expect(await use(server, shown)).toEqual(UNAVAILABLE);
      expect(faults).toEqual(["UNAUTHENTICATED"]);
    }
  });
});

test("a proxy named in the environment sees neither token nor redemption", async () => {
  const seen: string[] = [];
  const proxy = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => seen.push(bytes.toString()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("proxy has no port");
  const names = ["grpc_proxy", "https_proxy", "http_proxy"];
  for (const name of names) process.env[name] = `http://127.0.0.1:${address.port}`;
  open.push(() => {
    for (const name of names) delete process.env[name];
    proxy.close();
  });
  expect(await use(await serve(undefined, TOKEN), { token: TOKEN, plaintext: true })).toEqual(GRANTED);
  expect(seen).toEqual([]);
});

test("connections that never speak hold up neither a redemption nor the end of the server", async () => {
  const server = await withMtls();
  const silent = Array.from({ length: 50 }, () => net.connect(server.port, "127.0.0.1").on("error", () => {}));
  open.push(() => silent.map((socket) => socket.destroy()));
  expect(await use(server, { pair: clientPair })).toEqual(GRANTED);
  const begin = performance.now();
  await server[Symbol.asyncDispose]();
  expect(performance.now() - begin).toBeLessThan(DRAIN_MS + 10_000);
});

describe("a use is counted, once, for a decision service that", () => {
  test.each(["127.0.0.1", "localhost"])("trusts the certificate for %s and shows the service token", async (host) => {
    expect(await use(await withToken(), { token: TOKEN, host })).toEqual(GRANTED);
  });

  test("shows a certificate of ours", async () => {
    expect(await use(await withMtls(), { pair: clientPair })).toEqual(GRANTED);
  });

  test("shows both where both are set", async () => {
    expect(await use(await withMtls(TOKEN), { pair: clientPair, token: TOKEN })).toEqual(GRANTED);
  });

  test("uses one connection again: the second use of the grant is refused as spent", async () => {
    const grant = await approval.grant({ maxUses: 1 });
    const client = clientOf(await withMtls(), { pair: clientPair });
    expect(await client.redeem(claimOf(grant), deadlineIn(PATIENT_MS))).toEqual(GRANTED);
    expect(await client.redeem(claimOf(grant), deadlineIn(PATIENT_MS))).toEqual({ kind: "refused", reason: "spent" });
  });
});

test("a client shows the certificate that it was given last on its next connection, and keeps it when a broken one comes", async () => {
  const server = await withMtls();
  const stranger = await foreign.issue({ name: "decision", use: "client" });
  const client = clientOf(server, { pair: stranger });
  const once = async (ms = PATIENT_MS) => client.redeem(claimOf(await approval.grant({ maxUses: 1 })), deadlineIn(ms));
  expect(await once(IN_VAIN_MS)).toEqual(UNAVAILABLE);
  const given = { ca: ours.ca, key: clientPair.key, cert: clientPair.cert };
  client.replaceCertificates(given);
  await waitUntil("the new certificate to be shown", 30_000, async () => (await once(IN_VAIN_MS)).kind === "granted");
  expect(() => client.replaceCertificates({ ...given, cert: Buffer.from("half a fi") })).toThrow();
  expect(() => client.replaceCertificates({ ...given, key: stranger.key })).toThrow();
  expect(() => client.replaceCertificates(undefined)).toThrow(/restart/);
  expect(await once()).toMatchObject({ kind: "granted" });
});
