/** Certificates and authorities of the Check server that change while it runs (check-tls-fixture.ts). */
import { X509Certificate } from "node:crypto";
import tls from "node:tls";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../platform/clock.ts";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { AuthorizationClient } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { CheckServer } from "../../../services/decision/ext-authz/server.ts";
import type { CertificatePair } from "../../harness/certificates.ts";
import { createTlsBench, REFUSED, REQUEST } from "./check-tls-fixture.ts";

const { ours, foreign, serverPair, clientPair, serve, withMtls, ask, shows, asked, onClose, closeAll } =
  await createTlsBench();
afterEach(closeAll);

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
      onClose(() => client.close());
      const call = () =>
        new Promise<string>((resolve) => {
          client.check(
            REQUEST,
            new Metadata(),
            { deadline: systemClock.wallMs() + 30_000 },
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
    const before = asked();
    const another = await ours.issue({ name: "envoy", use: "client" });
    expect(await ask(server, shows(another))).toMatch(REFUSED);
    expect(asked()).toBe(before);
  });
});
