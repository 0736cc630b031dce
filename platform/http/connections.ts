/**
 * The connections of an HTTP server, ended in bounded time. When a server closes, Node closes idle connections and waits for all others, also for
 * one that has never sent anything or stopped in the middle of headers or body, which anybody who reaches the port can have, before any
 * credential.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Neither read from nor written to for so long, a connection is ended: also one that does not take the answers it has asked for. */
export const SILENT_MS = 30_000;
/** A handshake of TLS, of a caller of whom nothing is known yet; Node has two minutes for it. */
export const HANDSHAKE_MS = 10_000;
/**
 * For a server when it is made. Heads and bodies that take too long are looked for every second: Node does it every half a minute. NB: Node's time for a
 * head is a minute, and where `requestTimeout` is less it takes the one for the other: a body then has the minute. Lenient parsing is off also when
 * the process was started with it.
 */
export const STRICT = {
  insecureHTTPParser: false,
  connectionsCheckingInterval: 1_000,
  headersTimeout: 10_000,
} as const;
/** The same behind TLS. */
export const STRICT_TLS = { ...STRICT, handshakeTimeout: HANDSHAKE_MS } as const;
/** A connection that was busy becomes idle, and its client may keep it open for long. */
const IDLE_CHECK_MS = 50;

type Connections = {
  /**
   * `stop` closes the server, and may wait for more. Resolves when it has, after `drainMs` in any case: then what is still open is cut.
   * Connections on which nothing was ever sent are not waited for.
   */
  drain(drainMs: number, stop: () => Promise<unknown>): Promise<void>;
};

/** Call before it listens. */
export function superviseConnections(server: Server): Connections {
  // NB: node:http leaves out lines of a head beyond its limit in silence, a second credential too. Their bytes are bounded.
  server.maxHeadersCount = 0;
  // Those below TLS: one that does not finish its handshake is no other connection to the server yet.
  const sockets = new Set<Socket>();
  let isOver = false;

  server.on("connection", (socket: Socket) => {
    if (isOver) return void socket.destroy();
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  function endIdle(): void {
    server.closeIdleConnections();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  }

  return {
    async drain(drainMs, stop) {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, drainMs);
      const idle = setInterval(endIdle, IDLE_CHECK_MS);
      try {
        await Promise.race([stop(), late.promise]);
      } finally {
        clearTimeout(timer);
        clearInterval(idle);
        isOver = true;
        for (const socket of sockets) socket.destroy();
      }
    },
  };
}

/** That was taken, also when 0 was asked for. */
export function portOf(server: Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server has no TCP address");
  return bound.port;
}
