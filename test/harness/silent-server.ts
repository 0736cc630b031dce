/**
 * A server that takes every connection, keeps it open whatever its caller does, and never says a word: frozen, cut off, or a proxy that lost what is
 * behind it. With `answer` it says that to the first bytes of each connection, and nothing more.
 */
import { createServer, type Socket } from "node:net";
import { listening } from "./listening.ts";

interface SilentServer extends AsyncDisposable {
  readonly port: number;
}

export async function startSilentServer(answer: Uint8Array = Buffer.alloc(0)): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => socket.write(answer));
    socket.resume();
  });
  return {
    port: await listening(server),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
