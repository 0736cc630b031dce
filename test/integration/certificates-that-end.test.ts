/**
 * Certificates that end while a service runs, at every port that can have one: ext_authz, AuthZEN, DecisionService, redemption and the REST
 * interface. A handshake looks at them, nothing later does: a connection that is open goes on (Envoy's is kept for days), every new one is refused
 * until there is a new certificate, also to who resumes a session, and the service itself goes on meanwhile.
 */
import { once } from "node:events";
import { Agent, request } from "node:https";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { systemClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import type { ServerTls } from "../../platform/config/pem-files.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { DecisionServiceClient } from "../../proto/gen/countersign/v1/decision.ts";
import { AuthorizationClient, type CheckResponse } from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { RedemptionServiceClient } from "../../proto/gen/countersign/v1/redemption.ts";
import { startRedemptionServer } from "../../services/approval/grpc/redemption-server.ts";
import { absentDeps } from "../../services/approval/rest/described.ts";
import { startRest } from "../../services/approval/rest/server.ts";
import { startDecisionServer } from "../../services/decision/authzen/grpc/server.ts";
import { type Authority, type CertificatePair, createAuthority } from "../harness/certificates.ts";
import { startCheckServer } from "../../services/decision/ext-authz/server.ts";
import { startAuthzen } from "./decision/authzen-fixture.ts";

/** X.509 knows whole seconds. */
const SHORTLY_MS = 3_000;
const AT = { host: "127.0.0.1", port: 0 };

let ours: Authority;
let known: CertificatePair;
beforeAll(async () => {
  ours = await createAuthority("ours");
  known = await ours.issue({ name: "caller", use: "client" });
});
const owned = new AsyncDisposableStack();
afterAll(() => owned.disposeAsync());

type Served = { readonly port: number; readonly replace: (tls: ServerTls) => void };
/** A connection of its own; asking on it says `answered` whatever the answer is, or why there is none. */
type Connect = (port: number, shown: CertificatePair) => () => Promise<string>;
type Edge = {
  readonly name: string;
  readonly serve: (tls: ServerTls) => Promise<Served>;
  readonly connect: Connect;
  /** Callers may have to show a certificate. */
  readonly asks: boolean;
};

function overHttp(port: number, { cert, key }: CertificatePair): () => Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ours.ca, cert, key });
  owned.defer(() => agent.destroy());
  return async () => {
    const asked = request({ host: "127.0.0.1", port, path: "/v1/grants", agent });
    try {
      asked.end();
      const [response] = await once(asked, "response");
      await response.resume().toArray();
      return "answered";
    } catch (error) {
      return String(error);
    }
  };
}

type Call = (metadata: Metadata, options: { deadline: number }, done: (error: ServiceError | null) => void) => unknown;

function overGrpc(
  clientAt: (address: string, channel: ReturnType<typeof credentials.createSsl>) => { call: Call; close(): void },
): Connect {
  return (port, { cert, key }) => {
    const client = clientAt(`127.0.0.1:${port}`, credentials.createSsl(ours.ca, key, cert));
    owned.defer(() => client.close());
    return () =>
      new Promise((resolve) => {
        client.call(new Metadata(), { deadline: Date.now() + 5_000 }, (error) =>
          resolve(error === null || error.code !== status.UNAVAILABLE ? "answered" : error.details),
        );
      });
  };
}
// NB: else a second client takes over the connection of the first.
const OWN = { "grpc.use_local_subchannel_pool": 1 };

const ALLOW: CheckResponse = { status: { code: status.OK, message: "", details: [] }, httpResponse: undefined };
const nobody = { kind: "refused", reason: "authentication_required" } as const;
const silent = () => ({ log: createLog({ name: "t", level: "silent" }), metrics: createMetrics({ prefix: "t_" }) });

const EDGES: readonly Edge[] = [
  {
    name: "ext_authz",
    async serve(certificates) {
      const { monotonicMs } = systemClock;
      const server = owned.use(
        await startCheckServer(
          { check: async () => ALLOW, faults: { report: () => {} }, monotonicMs },
          { ...AT, tls: certificates, maxMessageBytes: 65_536, maxInFlight: 8, deadlineMs: 450, drainMs: 300 },
        ),
      );
      return { port: server.port, replace: (next) => server.replaceCertificates(next) };
    },
    connect: overGrpc((address, channel) => {
      const client = new AuthorizationClient(address, channel, OWN);
      return { call: (...rest) => client.check({ attributes: undefined }, ...rest), close: () => client.close() };
    }),
    asks: true,
  },
  {
    name: "AuthZEN",
    async serve(certificates) {
      const server = owned.use(await startAuthzen({ tls: certificates }));
      return { port: server.port, replace: server.replaceCertificates };
    },
    connect: overHttp,
    asks: true,
  },
  {
    name: "DecisionService",
    async serve(certificates) {
      const server = owned.use(
        await startDecisionServer(
          {
            ask: () => Promise.reject(new Error("nobody is let in")),
            callers: {
              authenticate: async () => nobody,
              vouch: never,
              inOwnWords: (_caller, asked) => asked,
            },
            newDeadline: (ms) => ({ leftMs: () => ms, within: () => ({ leftMs: () => ms, within: () => never() }) }),
            monotonicMs: systemClock.monotonicMs,
            wallMs: systemClock.wallMs,
            faults: { report: () => {} },
            metrics: createMetrics({ prefix: "t_" }),
          },
          {
            ...{ ...AT, tls: certificates, maxMessageBytes: 65_536, maxInFlight: 8, deadlineMs: 450, drainMs: 300 },
            ...{ grpcReflection: false, maxBatch: 3 },
          },
        ),
      );
      return { port: server.port, replace: (next) => server.replaceCertificates(next) };
    },
    connect: overGrpc((address, channel) => {
      const client = new DecisionServiceClient(address, channel, OWN);
      return {
        call: (...rest) => client.evaluateBatch({ evaluations: [], semantic: 0 }, ...rest),
        close: () => client.close(),
      };
    }),
    asks: true,
  },
  {
    name: "redemption",
    async serve(certificates) {
      const server = owned.use(
        await startRedemptionServer(
          { redeem: async () => ({ kind: "refused", reason: "spent" }), ...silent() },
          { ...AT, tls: certificates, serviceToken: () => undefined, drainMs: 300 },
        ),
      );
      return { port: server.port, replace: (next) => server.replaceCertificates(next) };
    },
    connect: overGrpc((address, channel) => {
      const client = new RedemptionServiceClient(address, channel, OWN);
      const claim = {
        redemptionId: "",
        grantId: "",
        issuer: "",
        subject: "",
        entitlement: "",
        scope: "",
        digest: undefined,
      };
      return { call: (...rest) => client.redeem(claim, ...rest), close: () => client.close() };
    }),
    asks: true,
  },
  {
    name: "REST",
    async serve(certificates) {
      const limits = { reads: { burst: 9, perMinute: 9 }, writes: { burst: 9, perMinute: 9 } };
      const server = owned.use(await startRest(absentDeps(), { ...AT, tls: certificates, limits }));
      return { port: server.port, replace: (next) => server.replaceCertificate(next) };
    },
    connect: overHttp,
    asks: false,
  },
];

function never(): never {
  throw new Error("nobody is let in");
}

const soon = (use: "server" | "client") => ours.issue({ name: use, use, endsInMs: SHORTLY_MS });
const withClientCa = (pair: CertificatePair): ServerTls => ({ ...pair, clientCa: ours.ca });

const untilRefused = (what: string, connect: () => () => Promise<string>) =>
  waitUntil(what, 15_000, async () => (await connect()()) !== "answered");

test.each(EDGES.filter(({ asks }) => asks))(
  "$name: a caller's, whose open connection goes on and who can open no other, until there is a new certificate",
  async ({ serve, connect }) => {
    const { port } = await serve(withClientCa(await ours.issue({ name: "service", use: "server" })));
    const ending = await soon("client");
    const first = connect(port, ending);
    expect(await first()).toBe("answered");
    await untilRefused("the certificate to end", () => connect(port, ending));
    expect(await connect(port, ending)()).not.toBe("answered");
    expect(await first()).toBe("answered");
    expect(await connect(port, known)()).toBe("answered");
  },
  30_000,
);

test.each(EDGES)(
  "$name: its own, whose open connections go on and whom nobody else believes, until a new one is put in its place",
  async ({ serve, connect }) => {
    const { port, replace } = await serve(withClientCa(await soon("server")));
    const first = connect(port, known);
    expect(await first()).toBe("answered");
    await untilRefused("the certificate to end", () => connect(port, known));
    expect(await connect(port, known)()).toMatch(/certificate has expired/);
    expect(await first()).toBe("answered");
    replace(withClientCa(await ours.issue({ name: "service", use: "server" })));
    expect(await connect(port, known)()).toBe("answered");
    expect(await first()).toBe("answered");
  },
  30_000,
);

test.each(EDGES.filter(({ asks }) => asks))(
  "$name: a caller's, who kept a session of before it ended: no connection comes of resuming it",
  async ({ serve, connect }) => {
    const { port } = await serve(withClientCa(await ours.issue({ name: "service", use: "server" })));
    const { cert, key } = await soon("client");
    const options = { host: "127.0.0.1", port, ca: ours.ca, cert, key, ALPNProtocols: ["h2", "http/1.1"] };
    const sessions: Buffer[] = [];
    const before = tls.connect(options);
    owned.defer(() => void before.destroy());
    before.on("session", (session: Buffer) => sessions.push(session)).on("error", () => {});
    await once(before, "secureConnect");
    await untilRefused("the certificate to end", () => connect(port, { cert, key }));
    for (const session of sessions) {
      const socket = tls.connect({ ...options, session });
      let isClosed = false;
      socket.on("error", () => {}).on("close", () => (isClosed = true));
      // A client is connected before the server has looked at its certificate: what counts is whether it stays.
      const stays = await waitUntil("it to be closed", 3_000, () => isClosed).then(
        () => false,
        () => true,
      );
      socket.destroy();
      expect(stays).toBe(false);
    }
  },
  30_000,
);
