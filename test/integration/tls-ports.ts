/** Every port that can have a certificate, served over TLS by what serves it in production, with nothing behind it, and how to ask on it. */
import { once } from "node:events";
import { Agent, request } from "node:https";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { systemClock } from "../../platform/clock.ts";
import type { ServerTls } from "../../platform/config/pem-files.ts";
import { createLog } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import { DecisionServiceClient } from "../../proto/gen/countersign/v1/decision.ts";
import { RedemptionServiceClient } from "../../proto/gen/countersign/v1/redemption.ts";
import { AuthorizationClient, CheckResponse } from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { startRedemptionServer } from "../../services/approval/grpc/redemption-server.ts";
import { absentDeps } from "../../services/approval/rest/described.ts";
import { startRest } from "../../services/approval/rest/server.ts";
import { startDecisionServer } from "../../services/decision/authzen/grpc/server.ts";
import { startCheckServer } from "../../services/decision/ext-authz/server.ts";
import type { Authority, CertificatePair } from "../harness/certificates.ts";
import { startAuthzen } from "./decision/authzen-fixture.ts";

const AT = { host: "127.0.0.1", port: 0 };

type Served = { readonly port: number; readonly replace: (tls: ServerTls) => void };
/** A connection of its own; asking on it says `answered` whatever the answer is, or why there is none. */
type Connect = (port: number, shown: CertificatePair) => () => Promise<string>;
type TlsPort = {
  readonly name: string;
  readonly serve: (tls: ServerTls) => Promise<Served>;
  readonly connect: Connect;
  /** Callers may have to show a certificate. */
  readonly asks: boolean;
};

type Call = (metadata: Metadata, options: { deadline: number }, done: (error: ServiceError | null) => void) => unknown;

// NB: else a second client takes over the connection of the first.
const OWN = { "grpc.use_local_subchannel_pool": 1 };

const ALLOW = CheckResponse.encode({ status: { code: status.OK, message: "", details: [] } }).finish();
const nobody = { kind: "refused", reason: "authentication_required" } as const;
const silent = () => ({ log: createLog({ name: "t", level: "silent" }), metrics: createMetrics({ prefix: "t_" }) });

function never(): never {
  throw new Error("nobody is let in");
}

/** What they start is `owned`; callers trust `ours`, asked for when it is needed. */
export function tlsPorts(owned: AsyncDisposableStack, ours: () => Authority): readonly TlsPort[] {
  function overHttp(port: number, { cert, key }: CertificatePair): () => Promise<string> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ours().ca, cert, key });
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

  function overGrpc(
    clientAt: (address: string, channel: ReturnType<typeof credentials.createSsl>) => { call: Call; close(): void },
  ): Connect {
    return (port, { cert, key }) => {
      const client = clientAt(`127.0.0.1:${port}`, credentials.createSsl(ours().ca, key, cert));
      owned.defer(() => client.close());
      return () =>
        new Promise((resolve) => {
          client.call(new Metadata(), { deadline: Date.now() + 30_000 }, (error) =>
            resolve(error === null || error.code !== status.UNAVAILABLE ? "answered" : error.details),
          );
        });
    };
  }
  return [
    {
      name: "ext_authz",
      async serve(certificates) {
        const { monotonicMs } = systemClock;
        const server = owned.use(
          await startCheckServer(
            { check: async () => ALLOW, faults: { report: () => {} }, monotonicMs },
            { ...AT, tls: certificates, maxMessageBytes: 65_536, maxInFlight: 8, deadlineMs: 10_000, drainMs: 300 },
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
              asking: { modeOf: never, during: never },
              callers: { authenticate: async () => nobody },
              newDeadline: (ms) => ({ leftMs: () => ms, within: () => ({ leftMs: () => ms, within: () => never() }) }),
              pause: async () => {},
              monotonicMs: systemClock.monotonicMs,
              wallMs: systemClock.wallMs,
              faults: { report: () => {} },
              metrics: createMetrics({ prefix: "t_" }),
            },
            {
              ...{
                ...AT,
                tls: certificates,
                maxMessageBytes: 65_536,
                maxInFlight: 8,
                deadlineMs: 10_000,
                drainMs: 300,
              },
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
            {
              redeem: async () => ({ kind: "refused", reason: "spent" }),
              ...silent(),
              monotonicMs: systemClock.monotonicMs,
            },
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
          actors: [],
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
        const server = owned.use(await startRest(absentDeps(), { ...AT, tls: certificates, limits, drainMs: 2_000 }));
        return { port: server.port, replace: (next) => server.replaceCertificate(next) };
      },
      connect: overHttp,
      asks: false,
    },
  ];
}
