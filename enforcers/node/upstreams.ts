/**
 * The way to the upstreams, by undici: path and header lines are written as they are, bodies stream both ways with
 * backpressure, one request at a time on a connection, HTTP/1.1 only. Never rejects. Nothing is ever sent twice: one decision,
 * one action; a connection that breaks is a failure, also before an answer.
 */
import type { Duplex, Readable } from "node:stream";
import { Pool } from "undici";
import { flatten, HOP_BY_HOP, type HeaderLine, linesOf, tokensOf } from "./header-line.ts";
import type { RefusalReason } from "./refusal.ts";

type UpstreamCall = {
  readonly origin: string;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly lines: readonly HeaderLine[];
  /** A stream without a length among the lines is sent chunked. */
  readonly body: Buffer | Readable | undefined;
  /** Until the response headers. */
  readonly timeoutMs: number;
  /** Ends the call at any point of it. */
  readonly signal: AbortSignal;
};

type UpstreamFailure = {
  readonly kind: "failed";
  readonly reason: Extract<RefusalReason, `upstream_${string}`>;
};
type UpstreamAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly lines: readonly HeaderLine[];
      readonly body: Readable;
    }
  | UpstreamFailure;
type UpstreamSwitch =
  | { readonly kind: "switched"; readonly lines: readonly HeaderLine[]; readonly socket: Duplex }
  | UpstreamFailure;

export type Upstreams = AsyncDisposable & {
  send(call: UpstreamCall): Promise<UpstreamAnswer>;
  /** Switches to WebSocket; an upstream that answers anything but 101 is a failure. */
  switchProtocols(call: UpstreamCall): Promise<UpstreamSwitch>;
};

const CONNECT_TIMEOUT_MS = 1_000;
/** Below the 5 s after which many servers close an idle connection, so that it is not used while it is being closed. */
const KEEP_ALIVE_MS = 4_000;
const MAX_HEADER_BYTES = 65_536;

export function createUpstreams(options: {
  readonly origins: readonly string[];
  readonly connectionsEach: number;
  /** Longest silence within a response body. */
  readonly idleMs: number;
}): Upstreams {
  const pools = new Map(
    [...new Set(options.origins)].map((origin) => [
      origin,
      new Pool(origin, {
        connections: options.connectionsEach,
        pipelining: 1,
        allowH2: false,
        connect: { timeout: CONNECT_TIMEOUT_MS },
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        bodyTimeout: options.idleMs,
      }),
    ]),
  );

  function poolOf(origin: string): Pool {
    const pool = pools.get(origin);
    if (pool === undefined) throw new Error("an upstream that no route names");
    return pool;
  }

  return {
    async send(call) {
      try {
        const { statusCode, headers, body } = await poolOf(call.origin).request({
          ...requestOf(call),
          body: call.body ?? null,
        });
        return { kind: "answered", status: statusCode, lines: endToEnd(rawLines(headers)), body };
      } catch (error) {
        return { kind: "failed", reason: reasonOf(error) };
      }
    },
    async switchProtocols(call) {
      try {
        const { headers, socket } = await poolOf(call.origin).upgrade({ ...requestOf(call), protocol: "websocket" });
        return { kind: "switched", lines: endToEnd(rawLines(headers)), socket };
      } catch (error) {
        return { kind: "failed", reason: reasonOf(error) };
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

function requestOf({ origin, method, target, authority, lines, timeoutMs, signal }: UpstreamCall) {
  return {
    method,
    // NB: else undici would ask for the certificate of whatever the client names as host.
    servername: new URL(origin).hostname,
    path: target,
    headers: ["host", authority, ...flatten(lines)],
    headersTimeout: timeoutMs,
    signal,
    responseHeaders: "raw" as const,
  };
}

/** With `responseHeaders: "raw"` undici hands out a flat list, which its types do not say. */
function rawLines(headers: unknown): HeaderLine[] {
  if (!Array.isArray(headers) || !headers.every((item) => typeof item === "string")) {
    throw new Error("response headers are not a list");
  }
  return linesOf(headers);
}

/** Without what speaks of the connection to the upstream, also what the upstream itself names so. */
function endToEnd(lines: readonly HeaderLine[]): readonly HeaderLine[] {
  const named = new Set(tokensOf(lines.filter(([name]) => name === "connection").map(([, value]) => value)));
  return lines.filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name));
}

function reasonOf(error: unknown): UpstreamFailure["reason"] {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (code === "UND_ERR_HEADERS_TIMEOUT") return "upstream_timeout";
  return code.startsWith("HPE_") || code === "UND_ERR_HEADERS_OVERFLOW" || code === ""
    ? "upstream_invalid"
    : "upstream_unavailable";
}
