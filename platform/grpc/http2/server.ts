/**
 * A server of unary gRPC calls on node:http2, with grpc.health on the same port: it does what platform/grpc/unary-server.ts does for half the
 * processor time (docs/adr/0011-check-on-node-http2.md). Methods are functions from bytes to bytes. Requests that are not a call of a method are
 * answered as the gRPC HTTP/2 protocol says: 415 for another content type, UNIMPLEMENTED for another method.
 */
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import { status } from "@grpc/grpc-js";
import type { ServerTls } from "../../config/pem-files.ts";
import { HANDSHAKE_MS } from "../../http/connections.ts";
import { checkServerTls, replacementFor, secureContextOf } from "../server-tls.ts";
import {
  KEEPALIVE,
  type KeepAlive,
  type ListenAt,
  maxStreams,
  type Serving,
  type UnaryServerOptions,
} from "../terms.ts";
import { answerFailure, answerHttpStatus } from "./answer.ts";
import { type Method, takeCall } from "./call.ts";
import { createDeadlines } from "./deadlines.ts";
import type { Failure } from "./failure.ts";
import { createHealth } from "./health.ts";
import { createTurns } from "../../turns.ts";
import { superviseSessions } from "./sessions.ts";

/** Each counts as 32 bytes more than it is long; an enforcer sends a dozen short ones. */
const MAX_HEADER_BYTES = 16_384;
/** A check with a large body comes without waiting for leave to go on; what is held is bounded by the reader of messages. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
/** Of what a connection may hold in nghttp2 and in writing, calls of all streams together. */
const MAX_SESSION_MIB = 64;
/** A token bucket of resets by the caller; beyond it the connection is ended ("rapid reset"). */
const RESETS = { streamResetBurst: 1_000, streamResetRate: 100 } as const;
const UNSUPPORTED_MEDIA_TYPE = 415;
const CONTENT_TYPE = /^application\/grpc(?:[+;]|$)/;

type Http2ServerDeps = {
  readonly monotonicMs: () => number;
  readonly onFault: (error: unknown) => void;
};

type Http2ServerOptions = UnaryServerOptions &
  ListenAt & { readonly drainMs: number; readonly keepAlive?: KeepAlive | undefined };

/** `methods` by path. Rejects when the port is taken and when the certificates cannot work. */
export async function startHttp2Server(
  deps: Http2ServerDeps,
  methods: ReadonlyMap<string, Method>,
  options: Http2ServerOptions,
): Promise<Serving> {
  const { host, port, tls, drainMs, keepAlive = KEEPALIVE } = options;
  const server = create(tls, {
    settings: {
      maxConcurrentStreams: maxStreams(options),
      maxHeaderListSize: MAX_HEADER_BYTES,
      initialWindowSize: STREAM_WINDOW_BYTES,
    },
    maxSessionMemory: MAX_SESSION_MIB,
    ...RESETS,
  });
  const sessions = superviseSessions(server, keepAlive);
  const health = createHealth(["", options.service]);
  const served = new Map([...health.methods, ...methods]);
  const turns = { turns: createTurns(), turnsOfAsked: createTurns() };
  const callDeps = { ...deps, deadlines: createDeadlines(deps), load: { inFlight: 0 }, ...turns };

  server.on(
    "stream",
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
      stream.on("error", ignored);
      try {
        if (!CONTENT_TYPE.test(headers["content-type"] ?? "")) return answerHttpStatus(stream, UNSUPPORTED_MEDIA_TYPE);
        const method = headers[":method"] === "POST" ? served.get(headers[":path"] ?? "") : undefined;
        if (method === undefined) return answerFailure(stream, UNIMPLEMENTED);
        takeCall(stream, { headers, rawHeaders }, method, callDeps, options);
      } catch (error) {
        deps.onFault(error);
        stream.destroy();
      }
    },
  );

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: withoutBrackets(host), port }, () => {
      server.off("error", reject).on("error", deps.onFault);
      resolve();
    });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    replaceCertificates(next) {
      const replacement = replacementFor(tls, next);
      if (replacement !== undefined && "setSecureContext" in server)
        server.setSecureContext(secureContextOf(replacement));
    },
    serving: health.serving,
    [Symbol.asyncDispose]() {
      health.serving(false);
      health.close();
      return sessions.drain(drainMs);
    },
  };
}

function create(tls: ServerTls | undefined, options: ServerOptions): Http2Server | Http2SecureServer {
  if (tls === undefined) return createServer(options);
  checkServerTls(tls);
  const isAsked = tls.clientCa !== undefined;
  const asked = { requestCert: isAsked, rejectUnauthorized: isAsked };
  return createSecureServer({ ...options, ...secureContextOf(tls), ...asked, handshakeTimeout: HANDSHAKE_MS });
}

/** An IPv6 address may stand in brackets, as it has to before a port. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** Of a stream: it is closed then, and nobody is there to be told. */
function ignored(): void {}

const UNIMPLEMENTED: Failure = { code: status.UNIMPLEMENTED, message: "no such method here" };
