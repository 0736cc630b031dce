/**
 * The real decision service in compatibility mode, and a client that sends it bytes. Its stream is nowhere: the decision log stays in its
 * spool, as it does while brokers are away.
 */
import { generateKeyPairSync } from "node:crypto";
import { Client, credentials } from "@grpc/grpc-js";
import { startService } from "../running-service.ts";

export type Answer =
  | { readonly kind: "response"; readonly bytes: Uint8Array }
  | { readonly kind: "error"; readonly code: number; readonly message: string };

export type DecisionProcess = AsyncDisposable & { check(request: Uint8Array): Promise<Answer> };

const METHOD = "/envoy.service.auth.v3.Authorization/Check";
const CHECK_MS = 20_000;

/** `compat`: the section policy.compat. Rejects with what the process said when it does not come up. */
export async function startDecisionProcess(root: string, bundle: string, compat: object): Promise<DecisionProcess> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const service = await startService({
    root,
    settings: async (file) => ({
      deployment: "conformance",
      listen: { port: 0, deadlineMs: 10_000, maxMessageBytes: 4_194_304 },
      ops: { port: 0 },
      bundle: { path: bundle, unsigned: "accepted" },
      policy: { compat },
      signing: { kid: "conformance", keyPath: await file("key.pem", pem) },
    }),
    started: /"check":"([^"]+)"/,
  });
  const client = new Client(service.found, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.enable_http_proxy": 0,
  });
  return {
    check: (request) => ask(client, request),
    async [Symbol.asyncDispose]() {
      client.close();
      await service[Symbol.asyncDispose]();
    },
  };
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
