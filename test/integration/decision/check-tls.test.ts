/** Who is answered over TLS and mTLS, who is not, and what does not start (check-tls-fixture.ts). */
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type CertificateOptions, createAuthority } from "../../harness/certificates.ts";
import { createTlsBench, DRAIN_MS, REFUSED } from "./check-tls-fixture.ts";

const { ours, foreign, serverPair, clientPair, serve, withTls, withMtls, ask, shows, asked, onClose, closeAll } =
  await createTlsBench();
afterEach(closeAll);

describe("over TLS nobody is answered who", () => {
  afterEach(() => expect(asked()).toBe(0));

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
  afterEach(() => expect(asked()).toBe(0));

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
        onClose(() => socket.destroy());
        socket.on("error", () => {});
        await once(socket, "connect");
        return socket;
      }),
    );
    expect(silent).toHaveLength(100);
    expect(await ask(server, mtls ? shows(clientPair) : credentials.createInsecure())).toBe("answered");
    const begin = performance.now();
    await server[Symbol.asyncDispose]();
    expect(performance.now() - begin).toBeLessThan(DRAIN_MS + 10_000);
    for (const socket of silent) socket.destroy();
  });
});

describe("is answered", () => {
  test.each(["127.0.0.1", "localhost"])("who trusts the authority of the certificate, for %s", async (host) => {
    expect(await ask(await withTls(), shows(undefined), host)).toBe("answered");
    expect(asked()).toBe(1);
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
    expect(asked()).toBe(1);
  });
});
