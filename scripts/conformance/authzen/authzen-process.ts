/**
 * The real decision service as a process of its own that serves AuthZEN over TLS, and a client of it. Its stream is nowhere,
 * as while brokers are away: the fixture needs neither grants nor denials.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, webcrypto } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { selfSigned } from "./self-signed.ts";

const START_MS = 30_000;
const ISSUER = "https://issuer.example";

export type AuthzenProcess = AsyncDisposable & {
  readonly baseUrl: string;
  /** Its certificate's authority. */
  readonly ca: string;
  readonly token: string;
};

/** `basePath`: of the base URL, such as `/tenant1`. Rejects with what the process said when it does not come up. */
export async function startAuthzenProcess(root: string, bundle: string, basePath: string): Promise<AuthzenProcess> {
  const folder = await mkdtemp(path.join(tmpdir(), "countersign-authzen-"));
  const file = async (name: string, text: string) => {
    await writeFile(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  await mkdir(path.join(folder, "log"));
  const pem = (key: ReturnType<typeof generateKeyPairSync>["privateKey"]) =>
    key.export({ type: "pkcs8", format: "pem" });
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const certificate = await selfSigned();
  const token = Buffer.from(webcrypto.getRandomValues(new Uint8Array(24))).toString("base64url");
  const port = await freePort();
  const baseUrl = `https://127.0.0.1:${port}${basePath}`;
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "unused", alg: "EdDSA", use: "sig" };
  const settings = {
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
    identity: {
      issuers: [
        {
          issuer: ISSUER,
          audience: ["conformance"],
          algorithms: ["EdDSA"],
          jwks_file: await file("keys.json", JSON.stringify({ keys: [jwk] })),
        },
      ],
    },
    signing: { kid: "conformance", keyPath: await file("key.pem", String(pem(privateKey))) },
    state: {
      trustedKeys: { relay: await file("relay.pem", String(publicKey.export({ type: "spki", format: "pem" }))) },
      readyWithinMs: 0,
    },
    kafka: { brokers: ["127.0.0.1:1"] },
    redemption: { address: "127.0.0.1:1" },
    decisionLog: { folder: path.join(folder, "log") },
  };
  const config = await file("decision.yaml", stringify(settings));
  const child = spawn(process.execPath, [path.join(root, "services/decision/main.ts"), "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: root,
    env: { PATH: process.env["PATH"], COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "unused, but long enough" },
  });
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilStarted(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { baseUrl, ca: certificate.cert, token, [Symbol.asyncDispose]: stop };
}

function untilStarted(child: ChildProcess): Promise<void> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("the process has no output");
  const said: string[] = [];
  stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`the decision service did not start: ${said.join("").slice(-2_000)}`));
    const timer = setTimeout(fail, START_MS);
    child.once("exit", fail);
    createInterface({ input: stdout }).on("line", (line) => {
      said.push(`${line}\n`);
      if (!line.includes('"event":"ready"')) return;
      clearTimeout(timer);
      child.off("exit", fail);
      resolve();
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
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
