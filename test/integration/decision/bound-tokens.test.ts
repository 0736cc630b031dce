/**
 * Tokens that are bound to a client certificate (RFC 8705) at the ports of the API, where the caller's own TLS ends: they count over a connection
 * with that certificate and over no other, by HTTP and on both gRPC servers.
 */
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import { credentials, Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createIdentify } from "../../../core/identity/identify.ts";
import * as sample from "../../samples/tokens.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { DecisionServiceClient, Mode } from "../../../proto/gen/countersign/v1/decision.ts";
import { createApiCallers } from "../../../services/decision/api/callers.ts";
import { startDecisionServer } from "../../../services/decision/authzen/grpc/server.ts";
import { startAuthzen } from "../../harness/authzen-server.ts";
import { type Authority, type CertificatePair, createAuthority } from "../../harness/certificates.ts";
import { askingBy } from "../../samples/asking.ts";
import { DENIED_BY_API, LEFT } from "../../samples/evaluation.ts";

const AT = { host: "127.0.0.1", port: 0, maxInFlight: 8, drainMs: 500 };
const issuers = sample.issuersOf({});
const keySet = sample.keySetOf(sample.jwksOf(sample.keys));
const identity = createIdentify({ issuers, keySets: { current: () => keySet, requestRefresh: () => {} } });
const now = () => instant(Date.now());
const callers = createApiCallers({ identity, issuers, now }, [], { mostUnknown: 8 });
const asking = askingBy(async () => DENIED_BY_API, callers);
const faults = { report: () => {} };

const owned = new AsyncDisposableStack();
let authority: Authority;
let own: CertificatePair;
let other: CertificatePair;
beforeAll(async () => {
  authority = await createAuthority("ours");
  own = await authority.issue({ name: "dana", use: "client" });
  other = await authority.issue({ name: "max", use: "client" });
});
afterAll(() => owned.disposeAsync());

function tokenBoundTo({ cert }: CertificatePair): string {
  const thumbprint = createHash("sha256").update(new X509Certificate(cert).raw).digest("base64url");
  const iat = Math.floor(Date.now() / 1_000);
  return sample.token(sample.claims({ iat, exp: iat + 60, cnf: { "x5t#S256": thumbprint } }));
}

/** Whether the caller was known, by a call with this token over a connection with this certificate. */
type Edge = (token: string, shown: CertificatePair) => Promise<boolean>;

/** `asked`: whether the server wants certificates at all. */
const tlsOf = async (asked: boolean) => {
  const pair = await authority.issue({ name: "decision", use: "server" });
  return { ...pair, clientCa: asked ? authority.ca : undefined };
};

async function overHttp(asked: boolean): Promise<Edge> {
  const server = owned.use(await startAuthzen({ callers, asking, faults }, { ...AT, tls: await tlsOf(asked) }));
  return async (token, { cert, key }) => {
    const request = httpsRequest({
      ...{ host: "127.0.0.1", port: server.port, path: "/access/v1/evaluation", method: "POST", agent: false },
      ...{ ca: authority.ca, cert, key },
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    const { subject, action, resource } = QUESTION;
    request.end(JSON.stringify({ subject, action, resource }));
    const [response] = await once(request, "response");
    response.resume();
    return response.statusCode === 200;
  };
}

function overGrpc(grpcReflection: boolean) {
  return async (asked: boolean): Promise<Edge> => {
    const server = owned.use(
      await startDecisionServer(
        {
          ...{ callers, asking, faults, newDeadline: () => LEFT, metrics: createMetrics({ prefix: "t_" }) },
          ...{ pause: async () => {}, monotonicMs: () => performance.now(), wallMs: () => Date.now() },
        },
        {
          ...{ ...AT, tls: await tlsOf(asked), maxMessageBytes: 4_096, deadlineMs: 10_000, maxBatch: 3 },
          grpcReflection,
        },
      ),
    );
    return (token, { cert, key }) => {
      const channel = credentials.createSsl(authority.ca, key, cert);
      const client = new DecisionServiceClient(`localhost:${server.port}`, channel);
      owned.defer(() => client.close());
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${token}`);
      return new Promise((resolve, reject) => {
        client.evaluate(QUESTION, metadata, { deadline: Date.now() + 30_000 }, (error) => {
          if (error === null || error.code === status.UNAUTHENTICATED) resolve(error === null);
          else reject(error);
        });
      });
    };
  };
}

const QUESTION = {
  subject: { type: "user", id: "dana", properties: undefined },
  action: { name: "read", properties: undefined },
  resource: { type: "file", id: "f1", properties: undefined },
  ...{ context: undefined, mode: Mode.MODE_ASK },
};

describe.each([
  ["by HTTP", overHttp],
  ["by gRPC on node:http2", overGrpc(false)],
  ["by gRPC with reflection", overGrpc(true)],
])("a token that is bound to a certificate, %s", (_how, edge) => {
  test("counts over a connection with that certificate alone", async () => {
    const isKnown = await edge(true);
    const token = tokenBoundTo(own);
    expect(await isKnown(token, other)).toBe(false);
    expect(await isKnown(token, own)).toBe(true);
    expect(await isKnown(token, other)).toBe(false);
    expect(await isKnown(tokenBoundTo(other), other)).toBe(true);
  });

  test("is refused where nobody is asked for a certificate", async () => {
    const isKnown = await edge(false);
    expect(await isKnown(tokenBoundTo(own), own)).toBe(false);
  });
});
