/** TLS in front of a service on loopback, as a load balancer is, and calls to the addresses that services publish, with only its authority believed. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { pipeline } from "node:stream";
import { createServer } from "node:tls";
import { callOverTls } from "./call-over-tls.ts";
import { type CertificatePair, createAuthority } from "./certificates.ts";

export type TlsFront = Awaited<ReturnType<typeof startTlsFront>>;

/** `target`: the service's port, known at the latest when the first connection comes. */
export async function startTlsFront(target: () => number) {
  const authority = await createAuthority("authority of the front");
  const pair: CertificatePair = await authority.issue({ name: "front", use: "server" });
  const open = new Set<Socket>();
  const server = createServer({ ...pair }, (caller) => {
    const service = connect(target(), "127.0.0.1");
    open.add(caller).add(service);
    pipeline(caller, service, caller, () => {
      open.delete(caller);
      open.delete(service);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");

  return {
    origin: `https://127.0.0.1:${address.port}`,
    /** A call to an address as it was published, whole. */
    call: (method: "GET" | "POST", url: string, sent: { readonly token: string; readonly body?: unknown }) =>
      callOverTls(method, url, { ...sent, ca: authority.ca }),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
