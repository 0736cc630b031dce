/**
 * The connections of an HTTP/2 server: a window in which many messages fit, a ping that a dead peer does not answer, and an end in bounded time:
 * GOAWAY without a limit, so that streams on their way still count; after a round trip, GOAWAY that names the last stream; then each connection
 * ends with its last call, and what has not ended in time is cut. A faulty connection ends that connection and nothing else.
 */
import { Server, type Socket } from "node:net";
import {
  constants,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Session,
} from "node:http2";
import { types } from "node:util";
import { PassingMap } from "../../passing-map.ts";
import type { KeepAlive } from "../terms.ts";

/**
 * HTTP/2's own 64 KiB are some forty checks, shared by all calls of a connection. Not more than this: what a caller has waiting after a stall
 * arrives in one turn of the event loop, and all of it then counts as under way at once.
 */
const WINDOW_BYTES = 1024 * 1024;
/** The largest stream there can be. */
const ANY_STREAM = 2 ** 31 - 1;
/** For the round trip: a caller without calls may have closed its side by then, and answers no more. */
const NOTICE_MS = 200;

export type Sessions = {
  /** Resolves when every connection has ended, after `drainMs` in any case. */
  drain(drainMs: number): Promise<void>;
};

export function superviseSessions(server: Http2Server | Http2SecureServer, alive: KeepAlive): Sessions {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  let drained: (() => void) | undefined;

  // Also those that have not shaken hands or said anything yet.
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    sessions.add(session);
    keepStreamsYoung(session);
    session.setLocalWindowSize(WINDOW_BYTES);
    const stopPinging = keepAlive(session, alive);
    session.on("close", () => {
      stopPinging();
      sessions.delete(session);
      if (sessions.size === 0) drained?.();
    });
    if (drained !== undefined) endAfterCalls(session);
  });
  server.on("sessionError", () => {}); // the connection ends; that is all there is to it
  server.on("unknownProtocol", (socket: Socket) => socket.destroy());

  return {
    async drain(drainMs) {
      // Only that it listens: its own method would also tell every caller at once that no further call counts.
      Server.prototype.close.call(server);
      await new Promise<void>((resolve) => {
        const force = setTimeout(resolve, drainMs);
        drained = () => {
          clearTimeout(force);
          resolve();
        };
        if (sessions.size === 0) drained();
        for (const session of sessions) endAfterCalls(session);
      });
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * The streams of a session come and go (platform/passing-map.ts), and Node keeps them in a Map: in one of ours, each of them is gone with its call. That
 * is Node's own business, hence any other shape than the one known here is left as it is: then collecting takes more time, and nothing else is
 * different. Answers whether it was the known one.
 */
export function keepStreamsYoung(session: Http2Session): boolean {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === "state");
  const state: unknown = symbol && Reflect.get(session, symbol);
  if (typeof state !== "object" || state === null || !("streams" in state)) return false;
  if (!types.isMap(state.streams) || state.streams.size > 0) return false;
  return Reflect.set(state, "streams", new PassingMap());
}

/** Answers how to stop. */
function keepAlive(session: ServerHttp2Session, { everyMs, withinMs }: KeepAlive): () => void {
  const timer = setInterval(() => {
    const cut = setTimeout(() => session.destroy(), withinMs).unref();
    ping(session, () => clearTimeout(cut));
  }, everyMs).unref();
  return () => clearInterval(timer);
}

function endAfterCalls(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, ANY_STREAM);
  const late = setTimeout(() => session.close(), NOTICE_MS);
  ping(session, () => {
    clearTimeout(late);
    session.close();
  });
}

/** `onAnswer` also when the connection is gone. */
function ping(session: ServerHttp2Session, onAnswer: () => void): void {
  if (session.destroyed || !session.ping(onAnswer)) onAnswer();
}
