/**
 * What is no HTTP, or does not become a request in time, has no request and no reply: the answer is written here, a problem like any other, and the
 * connection ends. On record in the log, under the id that the answer has: no hook of a route hears of it.
 */
import type { Socket } from "node:net";
import { STATUS_CODES } from "node:http";
import type { Log } from "../../../platform/log/log.ts";
import { problemAnswer } from "./problem.ts";
import type { ProblemCode } from "./problem-table.ts";
import { alwaysHeaders } from "./response-headers.ts";

type Unreadable = { readonly code?: string };

const BY_CODE: ReadonlyMap<string, ProblemCode> = new Map([
  ["HPE_HEADER_OVERFLOW", "headers_too_large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "request_too_slow"],
]);
const NOT_HTTP = { detail: "What came is not an HTTP request that is read here." };

/** For `clientErrorHandler`. */
export function createNotHttp({ log, newRequestId }: { readonly log: Log; readonly newRequestId: () => string }) {
  return ({ code = "" }: Unreadable, socket: Socket): void => {
    // NB: in a handshake nothing can be written, and its end would never come.
    if (!socket.writable || !/^(?:HPE_|ERR_HTTP_)/.test(code)) return void socket.destroy();
    // Opened in advance, or by a probe: nobody waits for an answer.
    if (socket.bytesRead === 0) return void socket.destroy();
    const requestId = newRequestId();
    const known = BY_CODE.get(code);
    log.info(
      { event: "rest_unreadable", why: code, requestId },
      "what came at the REST port is no request, or did not come whole in time",
    );
    const { status, headers, body } = problemAnswer(known ?? "invalid_request", requestId, known ? {} : NOT_HTTP);
    const lines = Object.entries({
      ...alwaysHeaders(requestId),
      ...headers,
      "content-length": String(Buffer.byteLength(body)),
      connection: "close",
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
  };
}
