/**
 * A small TLS forwarder, as one that stands beside a client which cannot speak TLS from the first byte: takes plain connections on loopback and
 * carries each over one of its own, with the client's certificate, to a server that is called by name.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";

type TlsForwarder = AsyncDisposable & { readonly port: number };

export async function startTlsForwarder(
  target: ConnectionOptions & { readonly port: number; readonly servername: string },
): Promise<TlsForwarder> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", ...target });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.pipe(other);
      // What ends or breaks on one side ends on the other.
      one.on("error", () => other.destroy());
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
