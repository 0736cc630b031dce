/**
 * The sockets of one kafkajs client, so that the client can be dropped for good. Its own `disconnect` waits for answers that may never come and
 * would still send what is queued; a record sent that late could follow a newer one of its key. NB: bytes in transit can still arrive. Records
 * that must cope with that say so themselves (versions, unique ids).
 */
import net from "node:net";
import tls from "node:tls";
import type { ISocketFactory } from "kafkajs";

interface Sockets {
  readonly factory: ISocketFactory;
  /** Destroys every socket, fails what waits for an answer, and refuses new ones. Idempotent. */
  destroy(reason: Error): void;
}

/** Finds a peer that vanished without a word within about a minute. */
const KEEP_ALIVE_MS = 20_000;

export function createSockets(): Sockets {
  const open = new Set<net.Socket>();
  let destroyed: Error | undefined;
  return {
    factory({ host, port, ssl, onConnect }) {
      if (destroyed !== undefined) throw destroyed;
      const servername = net.isIP(host) === 0 ? { servername: host } : {};
      const socket = ssl
        ? tls.connect({ host, port, ...servername, ...ssl }, onConnect)
        : net.connect({ host, port }, onConnect);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.setNoDelay(true);
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      return socket;
    },
    destroy(reason) {
      destroyed ??= reason;
      // With an error: kafkajs learns of a destroyed socket only from its error event.
      for (const socket of open) socket.destroy(reason);
    },
  };
}
