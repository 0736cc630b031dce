/**
 * The real decision service as a process of its own, in compatibility mode, and a client that sends it bytes. Its stream
 * is nowhere: the decision log stays in its spool, as it does while brokers are away.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Client, credentials } from "@grpc/grpc-js";
import { stringify } from "yaml";

export type Answer =
  | { readonly kind: "response"; readonly bytes: Uint8Array }
  | { readonly kind: "error"; readonly code: number; readonly message: string };

export type DecisionProcess = AsyncDisposable & { check(request: Uint8Array): Promise<Answer> };

const METHOD = "/envoy.service.auth.v3.Authorization/Check";
const START_MS = 30_000;
const CHECK_MS = 20_000;

/** `compat`: the section policy.compat. Rejects with what the process said when it does not come up. */
export async function startDecisionProcess(root: string, bundle: string, compat: object): Promise<DecisionProcess> {
  const folder = await mkdtemp(path.join(tmpdir(), "countersign-conformance-"));
  await mkdir(path.join(folder, "log"));
  const { privateKey } = generateKeyPairSync("ed25519");
  await writeFile(path.join(folder, "key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  const settings = {
    deployment: "conformance",
    listen: { port: 0, deadlineMs: 10_000, maxMessageBytes: 4_194_304 },
    ops: { port: 0 },
    bundle: { path: bundle, unsigned: "accepted" },
    policy: { compat },
    signing: { kid: "conformance", keyPath: path.join(folder, "key.pem") },
    kafka: { brokers: ["127.0.0.1:1"] },
    decisionLog: { folder: path.join(folder, "log") },
  };
  await writeFile(path.join(folder, "decision.yaml"), stringify(settings));
  const child = spawn(
    process.execPath,
    [path.join(root, "services/decision/main.ts"), "--config", path.join(folder, "decision.yaml")],
    { stdio: ["ignore", "pipe", "pipe"], cwd: root },
  );
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const address = await addressOf(child);
    const client = new Client(address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.enable_http_proxy": 0,
    });
    return {
      check: (request) => ask(client, request),
      async [Symbol.asyncDispose]() {
        client.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function addressOf(child: ChildProcess): Promise<string> {
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
      const found = /"check":"([^"]+)"/.exec(line)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      child.off("exit", fail);
      resolve(found);
    });
  });
}

function ask(client: Client, request: Uint8Array): Promise<Answer> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      METHOD,
      (value: Uint8Array) => Buffer.from(value),
      (value: Buffer) => value,
      request,
      { deadline: performance.timeOrigin + performance.now() + CHECK_MS },
      (error, bytes) => {
        if (error !== null) resolve({ kind: "error", code: error.code, message: error.details });
        else resolve({ kind: "response", bytes: bytes ?? Buffer.alloc(0) });
      },
    );
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
