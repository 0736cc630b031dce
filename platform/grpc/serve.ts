/**
 * What every gRPC server of ours does the same way: listens with TLS or mTLS, and ends gracefully but in bounded time.
 * Certificates are read once at start; a rotated one is taken up by a restart.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerTls } from "../config/pem-files.ts";

/**
 * Resolves with the port. Rejects when the port is taken, and when the certificates cannot work: a key of another
 * certificate, or a client CA that is none, which would otherwise show only as every caller refused.
 */
export async function listen(
  server: Server,
  { host, port, tls }: { readonly host: string; readonly port: number; readonly tls: ServerTls | undefined },
): Promise<number> {
  const credentials = serverCredentials(tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
}

/**
 * Calls under way are answered, then connections are closed; after `drainMs` they are cut.
 * NB: resolves then in any case. A connection that was opened and never spoke belongs to no session, gRPC waits for it for
 * minutes, and anybody who can reach the port could hold up the end of the process.
 */
export function drain(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, drainMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function serverCredentials(tls: ServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { cert, key, clientCa } = tls;
  const certificate = parsed("the certificate", () => new X509Certificate(cert));
  if (!certificate.checkPrivateKey(parsed("the private key", () => createPrivateKey(key)))) {
    throw new Error("TLS: the private key does not belong to the certificate");
  }
  if (clientCa !== undefined) parsed("the client CA", () => new X509Certificate(clientCa));
  return ServerCredentials.createSsl(
    clientCa ?? null,
    [{ cert_chain: cert, private_key: key }],
    clientCa !== undefined,
  );
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`TLS: ${what} is not readable as PEM`, { cause });
  }
}
