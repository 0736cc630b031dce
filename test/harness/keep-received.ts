/** Preloaded into a service that has to be found leaking: when a connection that it was made is over, it keeps as much as it was sent on it. */
import { subscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";

const kept: Buffer[] = [];

subscribe("net.server.socket", (message) => {
  if (typeof message !== "object" || message === null || !("socket" in message)) return;
  const { socket } = message;
  if (socket instanceof Socket) socket.once("close", () => kept.push(Buffer.alloc(socket.bytesRead)));
});
