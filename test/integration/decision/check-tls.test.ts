/**
 * The Check server under TLS and mTLS, with real certificates over real sockets. The check behind it allows everything,
 * so that a caller who gets as far as it would show; what it decides is tested elsewhere.
 */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { type ChannelCredentials, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../platform/clock.ts";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import {
  AuthorizationClient,
  type CheckRequest,
  type CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { type CheckServer, startCheckServer } from "../../../services/decision/ext-authz/server.ts";
import {
  type Authority,
  type CertificateOptions,
  type CertificatePair,
  createAuthority,
} from "../../harness/certificates.ts";

const ALLOW: CheckResponse = { status: { code: status.OK, message: "", details: [] }, httpResponse: undefined };
const REQUEST: CheckRequest = { attributes: undefined };
const DRAIN_MS = 300;
/** No connection came about, so nothing can have been asked. */
const REFUSED = /^UNAVAILABLE: No connection established/;

let ours: Authority;
let foreign: Authority;
let serverPair: CertificatePair;
let clientPair: CertificatePair;

beforeAll(async () => {
  ours = await createAuthority("ours");
  foreign = await createAuthority("foreign");
  serverPair = await ours.issue({ name: "decision", use: "server" });
  clientPair = await ours.issue({ name: "envoy", use: "client" });
});

let asked = 0;
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function serve(serverTls: ServerTls | undefined): Promise<CheckServer> {
  asked = 0;
  const check = () => {
    asked += 1;
    return Promise.resolve(ALLOW);
  };
  const { monotonicMs } = systemClock;
  const limits = { maxMessageBytes: 65_536, maxInFlight: 8, deadlineMs: 450, drainMs: DRAIN_MS };
  const server = await startCheckServer(
    { check, faults: { report: () => {} }, monotonicMs },
    { host: "127.0.0.1", port: 0, tls: serverTls, ...limits },
  );
  open.push(() => server[Symbol.asyncDispose]());
  return server;
}

const withTls = () => serve({ ...serverPair, clientCa: undefined });
const withMtls = () => serve({ ...serverPair, clientCa: ours.ca });

/** `answered`, or why there was no answer, as the enforcer's side sees it. */
function ask(server: CheckServer, channel: ChannelCredentials, host = "127.0.0.1"): Promise<string> {
  const client = new AuthorizationClient(`${host}:${server.port}`, channel);
  open.push(() => client.close());
  const options = { deadline: systemClock.wallMs() + 5_000 };
  return new Promise((resolve) => {
    client.check(REQUEST, new Metadata(), options, (error: ServiceError | null) =>
      resolve(error === null ? "answered" : `${status[error.code]}: ${error.details}`),
    );
  });
}

function shows(pair: CertificatePair | undefined, trusted: Authority = ours): ChannelCredentials {
  return credentials.createSsl(trusted.ca, pair?.key ?? null, pair?.cert ?? null);
}

describe("over TLS nobody is answered who", () => {
  afterEach(() => expect(asked).toBe(0));

  test("speaks plain text", async () => {
    expect(await ask(await withTls(), credentials.createInsecure())).toMatch(REFUSED);
  });

  test("speaks TLS to a port that has none: nothing is downgraded", async () => {
    expect(await ask(await serve(undefined), shows(undefined))).toMatch(/wrong version number/);
  });

  test("trusts another authority", async () => {
    expect(await ask(await withTls(), shows(undefined, foreign))).toMatch(/unable to verify the first certificate/);
  });

  test("finds the certificate expired, or made for another host", async () => {
    const expired = await ours.issue({ name: "decision", use: "server", endsInMs: -60_000 });
    expect(await ask(await serve({ ...expired, clientCa: undefined }), shows(undefined))).toMatch(
      /certificate has expired/,
    );
    const elsewhere = await ours.issue({ name: "decision", use: "server", hosts: ["decision.elsewhere.example"] });
    expect(await ask(await serve({ ...elsewhere, clientCa: undefined }), shows(undefined))).toMatch(
      /does not match certificate/,
    );
  });

  test("offers nothing newer than TLS 1.1", async () => {
    const { port } = await withTls();
    const socket = tls.connect({
      ...{ host: "127.0.0.1", port, ca: ours.ca, ALPNProtocols: ["h2"] },
      ...{ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
    });
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
  });
});

describe("with a client CA nobody is answered who shows", () => {
  afterEach(() => expect(asked).toBe(0));

  test("nothing, in plain text", async () => {
    expect(await ask(await withMtls(), credentials.createInsecure())).toMatch(REFUSED);
  });

  test("no certificate", async () => {
    expect(await ask(await withMtls(), shows(undefined))).toMatch(/certificate required/);
  });

  test("a certificate of another authority, under the same name", async () => {
    const pair = await foreign.issue({ name: "envoy", use: "client" });
    expect(await ask(await withMtls(), shows(pair))).toMatch(REFUSED);
  });

  test("one of another authority that calls itself by our authority's name", async () => {
    const pair = await (await createAuthority("ours")).issue({ name: "envoy", use: "client" });
    expect(await ask(await withMtls(), shows(pair))).toMatch(REFUSED);
  });

  test.each<[string, CertificateOptions]>([
    ["an expired one", { name: "envoy", use: "client", endsInMs: -60_000 }],
    ["one for use as a server", { name: "envoy", use: "server" }],
  ])("%s", async (_what, options) => {
    expect(await ask(await withMtls(), shows(await ours.issue(options)))).toMatch(REFUSED);
  });

  test("one signed by a certificate of ours that is no authority", async () => {
    const pair = await ours.issueByLeaf({ name: "envoy", use: "client" });
    expect(await ask(await withMtls(), shows(pair))).toMatch(REFUSED);
  });
});

describe("it does not start", () => {
  test("with a key of another certificate", async () => {
    const { key } = clientPair;
    await expect(serve({ cert: serverPair.cert, key, clientCa: undefined })).rejects.toThrow("does not belong");
  });

  test.each(["", "no PEM"])("with %j as client CA, certificate or key", async (text) => {
    const wrong = Buffer.from(text);
    await expect(serve({ ...serverPair, clientCa: wrong })).rejects.toThrow("TLS: the client CA");
    await expect(serve({ ...serverPair, cert: wrong, clientCa: undefined })).rejects.toThrow("TLS: the certificate");
    await expect(serve({ ...serverPair, key: wrong, clientCa: undefined })).rejects.toThrow("TLS: the private key");
  });
});

describe("connections that never speak", () => {
  test.each([{ mtls: true }, { mtls: false }])("hold up neither others nor the end (mTLS: %o)", async ({ mtls }) => {
    const server = await (mtls ? withMtls() : serve(undefined));
    const silent = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const socket = net.connect(server.port, "127.0.0.1");
        open.push(() => socket.destroy());
        socket.on("error", () => {});
        await once(socket, "connect");
        return socket;
      }),
    );
    expect(silent).toHaveLength(100);
    expect(await ask(server, mtls ? shows(clientPair) : credentials.createInsecure())).toBe("answered");
    const begin = performance.now();
    await server[Symbol.asyncDispose]();
    expect(performance.now() - begin).toBeLessThan(DRAIN_MS + 2_000);
    for (const socket of silent) socket.destroy();
  });
});

describe("is answered", () => {
  test.each(["127.0.0.1", "localhost"])("who trusts the authority of the certificate, for %s", async (host) => {
    expect(await ask(await withTls(), shows(undefined), host)).toBe("answered");
    expect(asked).toBe(1);
  });

  test("during a change of authority, who shows a certificate by either of the two in the file", async () => {
    const clientCa = Buffer.concat([foreign.ca, Buffer.from("\n"), ours.ca]);
    const server = await serve({ ...serverPair, clientCa });
    expect(await ask(server, shows(await foreign.issue({ name: "envoy", use: "client" })))).toBe("answered");
    expect(await ask(server, shows(clientPair))).toBe("answered");
    const third = await (await createAuthority("third")).issue({ name: "envoy", use: "client" });
    expect(await ask(server, shows(third))).toMatch(REFUSED);
  });

  test("with a client CA, who shows a certificate by it, by the same process that refused others before", async () => {
    const server = await withMtls();
    expect(await ask(server, credentials.createInsecure())).toMatch(REFUSED);
    expect(await ask(server, shows(undefined))).toMatch(REFUSED);
    expect(await ask(server, shows(clientPair))).toBe("answered");
    expect(asked).toBe(1);
  });
});

describe("certificates that are replaced while it runs", () => {
  const peerOf = (server: CheckServer): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect(
        { host: "127.0.0.1", port: server.port, ca: ours.ca, ALPNProtocols: ["h2"], ...clientPair },
        () => {
          resolve(socket.getPeerCertificate().fingerprint256);
          socket.destroy();
        },
      );
      socket.on("error", reject);
    });
  const fingerprintOf = ({ cert }: CertificatePair) => new X509Certificate(cert).fingerprint256;

  test("what cannot be used is refused, and the one before stays: another's key, no PEM, a client CA more or less", async () => {
    const server = await withMtls();
    const next = await ours.issue({ name: "decision", use: "server" });
    const broken: readonly (ServerTls | undefined)[] = [
      { cert: next.cert, key: serverPair.key, clientCa: ours.ca },
      { cert: Buffer.from("half a fi"), key: next.key, clientCa: ours.ca },
      { ...next, clientCa: Buffer.from("no PEM") },
      { ...next, clientCa: undefined },
      undefined,
    ];
    for (const one of broken) expect(() => server.replaceCertificates(one)).toThrow(/^TLS: /);
    expect(await peerOf(server)).toBe(fingerprintOf(serverPair));
    expect(await ask(server, shows(clientPair))).toBe("answered");
    const plain = await serve(undefined);
    expect(() => plain.replaceCertificates({ ...next, clientCa: undefined })).toThrow(/restart/);
  });

  test("connections that are open go on, new ones see the new certificate", async () => {
    for (const clientCa of [undefined, ours.ca]) {
      const server = await serve({ ...serverPair, clientCa });
      const client = new AuthorizationClient(`127.0.0.1:${server.port}`, shows(clientPair));
      open.push(() => client.close());
      const call = () =>
        new Promise<string>((resolve) => {
          client.check(
            REQUEST,
            new Metadata(),
            { deadline: systemClock.wallMs() + 5_000 },
            (error: ServiceError | null) => resolve(error === null ? "answered" : error.details),
          );
        });
      expect(await call()).toBe("answered");
      const next = await ours.issue({ name: "decision", use: "server" });
      server.replaceCertificates({ ...next, clientCa });
      expect(await peerOf(server)).toBe(fingerprintOf(next));
      expect(await call()).toBe("answered");
    }
  });

  test("an authority that is no longer named opens nothing from then on; the new one does", async () => {
    const server = await withMtls();
    expect(await ask(server, shows(clientPair))).toBe("answered");
    const stranger = await foreign.issue({ name: "envoy", use: "client" });
    expect(await ask(server, shows(stranger))).toMatch(REFUSED);
    server.replaceCertificates({ ...serverPair, clientCa: foreign.ca });
    expect(await ask(server, credentials.createSsl(ours.ca, stranger.key, stranger.cert))).toBe("answered");
    const before = asked;
    const another = await ours.issue({ name: "envoy", use: "client" });
    expect(await ask(server, shows(another))).toMatch(REFUSED);
    expect(asked).toBe(before);
  });
});
