/**
 * The real decision service as a process of its own that serves AuthZEN over TLS, and a client of it. Its stream is nowhere,
 * as while brokers are away: the fixture needs neither grants nor denials.
 */
import { generateKeyPairSync, webcrypto } from "node:crypto";
import { createServer } from "node:net";
import { startService } from "../running-service.ts";
import { selfSigned } from "./self-signed.ts";

const ISSUER = "https://issuer.example";

export type AuthzenProcess = AsyncDisposable & {
  readonly baseUrl: string;
  /** Its certificate's authority. */
  readonly ca: string;
  readonly token: string;
};

/** `basePath`: of the base URL, such as `/tenant1`. Rejects with what the process said when it does not come up. */
export async function startAuthzenProcess(root: string, bundle: string, basePath: string): Promise<AuthzenProcess> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const certificate = await selfSigned();
  const token = Buffer.from(webcrypto.getRandomValues(new Uint8Array(24))).toString("base64url");
  const port = await freePort();
  const baseUrl = `https://127.0.0.1:${port}${basePath}`;
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "unused", alg: "EdDSA", use: "sig" };
  const secret = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const relay = String(generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }));
  const issuer = { issuer: ISSUER, audience: ["conformance"], algorithms: ["EdDSA"] };
  const service = await startService({
    root,
    settings: async (file) => ({
      deployment: "conformance",
      listen: { port: 0 },
      ops: { port: 0 },
      api: {
        baseUrl,
        httpPort: port,
        certPath: await file("tls.pem", certificate.cert),
        keyPath: await file("tls-key.pem", certificate.key),
        clients: [{ name: "runner", tokenPath: await file("token", token), subjects: { user: ISSUER } }],
      },
      bundle: { path: bundle, unsigned: "accepted" },
      identity: { issuers: [{ ...issuer, jwks_file: await file("keys.json", JSON.stringify({ keys: [jwk] })) }] },
      signing: { kid: "conformance", keyPath: await file("key.pem", secret) },
      state: { trustedKeys: { relay: await file("relay.pem", relay) }, readyWithinMs: 0 },
      redemption: { address: "127.0.0.1:1" },
    }),
    env: { COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "unused, but long enough" },
    started: /"event":"(ready)"/,
  });
  return { baseUrl, ca: certificate.cert, token, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

/** The port has to stand in the base URL before anything listens. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address();
      server.close(() =>
        bound === null || typeof bound === "string" ? reject(new Error("no port")) : resolve(bound.port),
      );
    });
  });
}
