/** What all our grpc-js servers share: they listen with TLS or mTLS, accept rotated certificates, and end gracefully but in bounded time. */
import type { Server } from "@grpc/grpc-js";
import { createServerCertificates } from "./certificates.ts";
import type { ListenAt, Listening } from "./terms.ts";

/**
 * Resolves when it listens. Rejects when the port is taken, and when the certificates cannot work: a key of another
 * certificate, or a client CA that is none, which would otherwise show only as every caller refused.
 */
export async function listen(server: Server, { host, port, tls }: ListenAt): Promise<Listening> {
  const { credentials, replace } = createServerCertificates(tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
      error === null ? resolve({ port: bound, replaceCertificates: replace }) : reject(error),
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
